import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class ValidPixelCrossentropy(keras.losses.Loss):
    """Cross-entropy over the pixels that are not void, divided by their number in all replicas.

    `keras.losses.SparseCategoricalCrossentropy(ignore_class=...)` divides by each replica's own
    number of valid pixels and so weighs replicas wrongly when void is spread unevenly. This loss
    divides by the *global* number and is exact under data parallelism.

    Args:
        ignore_class: The void label.
        class_weights: One weight a class, `w`, or `None`. The loss is then the weighted mean
            `sum(w[label] * cross-entropy) / sum(w[label])`, both sums over the valid pixels of all
            replicas; weights that are all equal change nothing.

    Call arguments:
        y_true: Labels `(batch, height, width)`, integers.
        y_pred: Logits `(batch, height, width, num_classes)`.

        sample_weight: Optional weights, `(batch,)` up to `(batch, height, width)`. They multiply
            the pixels' values; what is divided by stays the number (or the class weights) of the
            valid pixels.

    Returns:
        Scalar; 0 for a batch of void pixels alone, or of classes of weight 0. A label that is
        neither a class nor void is an error on the TensorFlow backend; where a compiled step cannot
        raise one (XLA, JAX) it makes the loss not a number, while the gradients stay those of the
        other pixels.

    Raises:
        ValueError: If `class_weights` are not finite numbers of at least 0, or all 0; when called,
            if they are not as many as there are classes.

    Example:

    >>> loss = keras_asym.losses.ValidPixelCrossentropy()
    >>> round(float(loss(keras.ops.array([[[0, 255]]]), keras.ops.zeros((1, 1, 2, 4)))), 3)
    1.386
    """

    def __init__(
        self, ignore_class=255, class_weights=None, name="valid_pixel_crossentropy", dtype=None
    ):
        super().__init__(name=name, reduction="sum", dtype=dtype)
        self.ignore_class = ignore_class
        self.class_weights = None if class_weights is None else _checked_weights(class_weights)

    def __call__(self, y_true, y_pred, sample_weight=None):
        labels = ops.cast(y_true, "int32")
        if len(labels.shape) == len(y_pred.shape):
            labels = ops.squeeze(labels, axis=-1)
        logits = ops.cast(y_pred, "float32")
        self.check_classes(logits.shape[-1])
        is_class = ops.logical_and(labels >= 0, labels < logits.shape[-1])
        is_void = ops.equal(labels, self.ignore_class)
        _check_labels(labels, ops.logical_or(is_class, is_void), logits.shape[-1])
        valid = ops.logical_not(is_void)
        classes = ops.where(ops.logical_and(is_class, valid), labels, 0)
        values = keras.losses.sparse_categorical_crossentropy(classes, logits, from_logits=True)
        shares = ops.cast(valid, "float32")
        if self.class_weights is not None:
            weights = ops.take(ops.convert_to_tensor(self.class_weights, "float32"), classes)
            values, shares = weights * values, weights * shares
        values = ops.where(is_class, values, float("nan"))
        if sample_weight is not None:
            values = values * _align(ops.cast(sample_weight, "float32"), len(labels.shape))
        total = _sum_over_replicas(ops.sum(shares))
        return ops.sum(ops.where(valid, values, 0.0)) / ops.where(total > 0, total, 1.0)

    def call(self, y_true, y_pred):
        return self(y_true, y_pred)

    def check_classes(self, num_classes):
        """Raises `ValueError` unless the class weights, if any, are those of so many classes."""
        if self.class_weights is not None and len(self.class_weights) != num_classes:
            raise ValueError(
                f"`class_weights` must hold one weight for each of the {num_classes} classes; the "
                f"void class has none. Received: {len(self.class_weights)} weights"
            )

    def get_config(self):
        return {
            "name": self.name,
            "ignore_class": self.ignore_class,
            "class_weights": self.class_weights,
        }


def _checked_weights(weights):
    """The weights as a list of Python's numbers."""
    array = np.asarray(weights)
    if array.ndim != 1 or array.dtype.kind not in "fiu" or not array.size:
        raise ValueError(
            "`class_weights` must be a list of one number for each class, in the order of the "
            f"labels, or None. Received: class_weights={weights!r}"
        )
    if not np.isfinite(array).all() or (array < 0).any() or not array.any():
        raise ValueError(
            "`class_weights` must be finite, at least 0 and not all 0 (a class that does not occur "
            f"takes 0). Received: class_weights={weights!r}"
        )
    return array.tolist()


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
