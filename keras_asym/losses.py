import math

import keras
import numpy as np
from keras import ops

from keras_asym.ops import sum_over_replicas


@keras.saving.register_keras_serializable(package="keras_asym")
class ValidPixelCrossentropy(keras.losses.Loss):
    """Cross-entropy over the pixels that are not void, divided by their number in all replicas.

    By choice it is focal (Lin et al., [arXiv 1708.02002](https://arxiv.org/abs/1708.02002)), and
    has a Dice loss beside it (Milletari et al.,
    [arXiv 1606.04797](https://arxiv.org/abs/1606.04797)), for classes with few pixels.

    `keras.losses.SparseCategoricalCrossentropy(ignore_class=...)` divides by each replica's own
    number of valid pixels and so weighs replicas wrongly when void is spread unevenly. This loss
    divides by the *global* number and is exact under data parallelism.

    Args:
        ignore_class: The void label.
        class_weights: One weight a class, `w`, or `None`. The loss is then the weighted mean
            `sum(w[label] * cross-entropy) / sum(w[label])`, both sums over the valid pixels of all
            replicas; weights that are all equal change nothing.
        focal_gamma: Each pixel's cross-entropy is multiplied by `(1 - p) ** focal_gamma`, where `p`
            is the probability of its label; what is divided by stays. 0 is the plain one, 2 that of
            the paper. The values are those of `keras.losses.CategoricalFocalCrossentropy(alpha=1)`,
            and a pixel with `p` near 0 keeps its gradient.
        dice_weight: Weight of the Dice loss that is added; 0 for none. It is `keras.losses.dice` of
            the probabilities over an example's valid pixels, for each class that its labels hold,
            and the mean over these pairs of example and class in all replicas; with class weights
            the weighted mean. Taking each example and no class that it lacks is this package's
            choice: it is exact under data parallelism, and right where sensors are absent.

    Call arguments:
        y_true: Labels `(batch, height, width)` or `(batch, height, width, 1)`, integers in value.
        y_pred: Logits `(batch, height, width, num_classes)`.
        sample_weight: Optional weights, `(batch,)` up to `(batch, height, width)`. They multiply
            the pixels' values; what is divided by stays the number (or the class weights) of the
            valid pixels. An example's Dice loss is multiplied by the mean weight of its valid
            pixels, and leaves out those of weight 0.

    Returns:
        Scalar in float32, or float64 for logits in float64; 0 for a batch of void pixels alone, or
        of classes of weight 0. A label that is neither a class nor void (0.5 is neither) is an
        error on the TensorFlow backend; where a compiled step cannot raise one (XLA, JAX) it makes
        the loss not a number, while the gradients stay those of the other pixels.

    Raises:
        ValueError: If `class_weights` are not finite numbers of at least 0, or all 0, or
            `focal_gamma` or `dice_weight` is no such number; when called, if the class weights are
            not as many as there are classes, or the labels are no mask of the logits' size, such as
            one-hot masks.

    Example:

    >>> loss = keras_asym.losses.ValidPixelCrossentropy()
    >>> round(float(loss(keras.ops.array([[[0, 255]]]), keras.ops.zeros((1, 1, 2, 4)))), 3)
    1.386
    >>> loss = keras_asym.losses.ValidPixelCrossentropy(focal_gamma=2.0, dice_weight=0.5)
    >>> round(float(loss(keras.ops.array([[[0, 255]]]), keras.ops.zeros((1, 1, 2, 4)))), 3)
    1.08
    """

    def __init__(
        self,
        ignore_class=255,
        class_weights=None,
        focal_gamma=0.0,
        dice_weight=0.0,
        name="valid_pixel_crossentropy",
        dtype=None,
    ):
        super().__init__(name=name, reduction="sum", dtype=dtype)
        self.focal_gamma = _checked_number("focal_gamma", focal_gamma)
        self.dice_weight = _checked_number("dice_weight", dice_weight)
        self.ignore_class = ignore_class
        self.class_weights = None if class_weights is None else _checked_weights(class_weights)

    def __call__(self, y_true, y_pred, sample_weight=None):
        logits = ops.convert_to_tensor(y_pred)
        logits = ops.cast(logits, keras.backend.result_type(logits.dtype, "float32"))
        check_mask(y_true, logits.shape)
        self.check_classes(logits.shape[-1])
        labels, is_whole = whole_numbers(y_true)
        if len(labels.shape) == len(logits.shape):
            labels, is_whole = ops.squeeze(labels, axis=-1), ops.squeeze(is_whole, axis=-1)
        is_class = is_whole & (labels >= 0) & (labels < logits.shape[-1])
        is_void = is_whole & (labels == self.ignore_class)
        _check_labels(y_true, is_class | is_void, logits.shape[-1])
        valid = ops.logical_not(is_void)
        classes = ops.where(ops.logical_and(is_class, valid), labels, 0)
        values = keras.losses.sparse_categorical_crossentropy(classes, logits, from_logits=True)
        if self.focal_gamma:
            # Not 0, where the power of a gamma below 1 has no finite gradient.
            others = ops.maximum(-ops.expm1(-values), keras.config.epsilon())
            values = others**self.focal_gamma * values
        shares = ops.cast(valid, logits.dtype)
        if self.class_weights is not None:
            weights = ops.take(ops.convert_to_tensor(self.class_weights, logits.dtype), classes)
            values, shares = weights * values, weights * shares
        values = ops.where(is_class, values, float("nan"))
        if sample_weight is not None:
            sample_weight = align_weights(ops.cast(sample_weight, logits.dtype), len(labels.shape))
            values = values * sample_weight
        loss = mean_over_replicas(ops.where(valid, values, 0.0), shares)
        if not self.dice_weight:
            return loss
        dice = self._dice(classes, is_class & valid, logits, sample_weight)
        return loss + self.dice_weight * dice

    def _dice(self, labels, valid, logits, sample_weight):
        """Dice loss; `labels` are classes, of which only those of `valid` pixels count."""
        dtype, counts, weight = logits.dtype, valid, 1.0
        truth = ops.one_hot(labels, logits.shape[-1], dtype=dtype)
        shares = ops.any((truth > 0) & valid[..., None], axis=(1, 2))
        shares = ops.cast(shares, dtype)
        if self.class_weights is not None:
            shares = shares * ops.convert_to_tensor(self.class_weights, dtype)
        if sample_weight is not None:
            sample_weight = ops.broadcast_to(sample_weight, ops.shape(valid))
            counts = valid & (sample_weight > 0)
            number = ops.maximum(ops.sum(ops.cast(valid, dtype), axis=(1, 2)), 1.0)
            weight = ops.sum(ops.where(valid, sample_weight, 0.0), axis=(1, 2)) / number
            weight = weight[:, None]
        counts = counts[..., None]
        # Selected and not multiplied: void pixels may hold what is not a number.
        truth, predicted = (ops.where(counts, x, 0.0) for x in (truth, ops.softmax(logits)))
        values = keras.losses.dice(truth, predicted, axis=(1, 2))
        return mean_over_replicas(weight * shares * values, shares)

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
            "focal_gamma": self.focal_gamma,
            "dice_weight": self.dice_weight,
        }


def check_mask(mask, logits):
    """Raises `ValueError` unless a mask has the shape that belongs to logits of a shape.

    Args:
        mask: Labels `(batch, height, width)` or `(batch, height, width, 1)`.
        logits: Shape `(batch, height, width, num_classes)`; axes may be `None`.
    """
    shape = getattr(mask, "shape", None)
    if shape is None:
        raise ValueError(
            "The targets must be one mask (batch, height, width), which serves all outputs. "
            f"Received: {type(mask).__name__}"
        )
    shape, (*size, classes) = tuple(shape), logits
    if len(shape) == len(logits) and shape[-1] == classes and classes > 1:
        raise ValueError(
            "The mask must hold class indices, (batch, height, width), and not one-hot vectors; "
            f"take np.argmax(mask, axis=-1). Received: shape={shape}"
        )
    fits = len(shape) == len(size) or (len(shape) == len(logits) and shape[-1] in (1, None))
    if not fits or any(
        a != b for a, b in zip(shape, size, strict=False) if a is not None and b is not None
    ):
        raise ValueError(
            "The mask must have the batch, height and width of the logits. Received: mask of shape "
            f"{shape}, logits of shape {tuple(logits)}"
        )


def whole_numbers(labels):
    """Labels as int32, and where they are integers in value.

    A label of 0.5 must not become class 0: it is no class.
    """
    labels = ops.convert_to_tensor(labels)
    integers = ops.cast(labels, "int32")
    return integers, ops.equal(ops.cast(integers, labels.dtype), labels)


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


def _checked_number(name, value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(
            f"`{name}` must be a finite number of at least 0. Received: {name}={value!r}"
        )
    return value


def mean_over_replicas(values, shares):
    """Sum of this replica's values by the shares of all; 0 without any."""
    total = sum_over_replicas(ops.sum(shares))
    return ops.sum(values) / ops.where(total > 0, total, 1.0)


def align_weights(weights, rank):
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
