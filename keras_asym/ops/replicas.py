import keras


def sum_over_replicas(value):
    """Sum of a tensor over the replicas of `tf.distribute`; on other backends arrays are global
    already, and the value is returned."""
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
