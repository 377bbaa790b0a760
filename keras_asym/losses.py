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

        sample_weight: Optional weights, `(batch,)` up to `(batch, height, width)`. They multiply
            the pixels' values; what is divided by stays the number of valid pixels.

    Returns:
        Scalar; 0 for a batch of void pixels alone. A label that is neither a class nor void is an
        error on the TensorFlow backend; where a compiled step cannot raise one (XLA, JAX) it makes
        the loss not a number, while the gradients stay those of the other pixels.

    Example:

    >>> loss = keras_asym.losses.ValidPixelCrossentropy()
    >>> round(float(loss(keras.ops.array([[[0, 255]]]), keras.ops.zeros((1, 1, 2, 4)))), 3)
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
        is_class = ops.logical_and(labels >= 0, labels < logits.shape[-1])
        is_void = ops.equal(labels, self.ignore_class)
        _check_labels(labels, ops.logical_or(is_class, is_void), logits.shape[-1])
        valid = ops.logical_not(is_void)
        values = keras.losses.sparse_categorical_crossentropy(
            ops.where(ops.logical_and(is_class, valid), labels, 0), logits, from_logits=True
        )
        values = ops.where(is_class, values, float("nan"))
        if sample_weight is not None:
            values = values * _align(ops.cast(sample_weight, "float32"), len(labels.shape))
        count = _sum_over_replicas(ops.sum(ops.cast(valid, "float32")))
        return ops.sum(ops.where(valid, values, 0.0)) / ops.maximum(count, 1.0)

    def call(self, y_true, y_pred):
        return self(y_true, y_pred)

    def get_config(self):
        return {"name": self.name, "ignore_class": self.ignore_class}


def _align(weights, rank):
    """Sample weights with as many axes as the labels have."""
    if len(weights.shape) > rank:
        return ops.squeeze(weights, axis=-1)
    return ops.reshape(weights, (*ops.shape(weights), *(1,) * (rank - len(weights.shape))))


def _check_labels(labels, known, num_classes):
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    # XLA drops the assertion; the loss is then not a number.
    tf.debugging.Assert(
        tf.reduce_all(known),
        [f"Labels must be in 0..{num_classes - 1} or the void label. Received:", labels],
        summarize=16,
    )


def _sum_over_replicas(value):
    """Sum over the replicas of tf.distribute; arrays are global on the other backends."""
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
