import keras


def sum_over_replicas(value):
    """Sum of a tensor over the replicas of `tf.distribute`; on other backends arrays are global
    already, and the value is returned."""
    context = _context()
    if context is None:
        return value
    import tensorflow as tf

    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def place_among_replicas():
    """Index of this replica of `tf.distribute`, and how many there are; `(0, 1)` elsewhere."""
    context = _context()
    if context is None:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def _context():
    """The context of one of several replicas, or `None`."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return None if context is None or context.num_replicas_in_sync == 1 else context
