import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class ValidPixelCrossentropy(keras.losses.Loss):
    """Cross-entropy over the pixels that are not void, divided by their number in all replicas.

    `keras.losses.SparseCategoricalCrossentropy(ignore_class=...)` divides by each replica's own
    number of valid pixels and so weighs replicas wrongly when void is spread unevenly. This loss
    divides by the *global* number and is exact under data parallelism.

    Args:
        ignore_class: The void label.

    Call arguments:
        y_true: Labels `(batch, height, width)`, integers.
        y_pred: Logits `(batch, height, width, num_classes)`.

    Returns:
        Scalar; 0 for a batch of void pixels alone.

    Example:

    >>> loss = keras_asym.losses.ValidPixelCrossentropy()
    >>> loss(keras.ops.array([[[0, 255]]]), keras.ops.zeros((1, 1, 2, 4)))
    1.386
    """

    def __init__(self, ignore_class=255, name="valid_pixel_crossentropy", dtype=None):
        super().__init__(name=name, reduction="sum", dtype=dtype)
        self.ignore_class = ignore_class

    def __call__(self, y_true, y_pred, sample_weight=None):
        labels = ops.cast(y_true, "int32")
        if len(labels.shape) == len(y_pred.shape):
            labels = ops.squeeze(labels, axis=-1)
        logits = ops.cast(y_pred, "float32")
        valid = ops.cast(ops.not_equal(labels, self.ignore_class), "float32")
        values = keras.losses.sparse_categorical_crossentropy(
            ops.where(ops.cast(valid, "bool"), labels, 0), logits, from_logits=True
        )
        weight = valid
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            missing = len(valid.shape) - len(sample_weight.shape)
            weight = valid * ops.reshape(
                sample_weight, (*ops.shape(sample_weight), *(1,) * missing)
            )
        count = _sum_over_replicas(ops.sum(valid))
        return ops.sum(values * weight) / ops.maximum(count, 1.0)

    def call(self, y_true, y_pred):
        return self(y_true, y_pred)

    def get_config(self):
        return {"name": self.name, "ignore_class": self.ignore_class}


def _sum_over_replicas(value):
    """Sum over the replicas of tf.distribute; arrays are global on the other backends."""
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
