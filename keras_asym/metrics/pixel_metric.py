import dataclasses

import keras
from keras import ops


@dataclasses.dataclass
class Pixels:
    """What metrics of confidence need of each pixel, all flat `(pixels,)`.

    Attributes:
        valid: Boolean: where the label is a class and the logits are numbers.
        invalid: How many pixels are neither valid nor void, a scalar.
        hits: Boolean: where the most likely class is the label.
        confidence: Probability of the most likely class.
        log_odds: `log(p / (1 - p))` of that probability, which also tells apart what is 1 in
            float32.
        log_likelihood: Logarithm of the probability of the label.
        squared_error: `sum over classes of (probability - truth)^2`.
    """

    valid: object
    invalid: object
    hits: object
    confidence: object
    log_odds: object
    log_likelihood: object
    squared_error: object


def read_pixels(y_true, y_pred, ignore_class):
    """`Pixels` of labels and logits; several metrics may share them.

    Args:
        y_true: Labels `(batch, height, width)` or `(batch, height, width, 1)`.
        y_pred: Logits `(batch, height, width, num_classes)`; log-probabilities are logits, too.
        ignore_class: The void label.

    Raises:
        ValueError: If the labels are no mask of the logits' size.
    """
    y_true, logits = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    size = tuple(logits.shape[:-1])
    if tuple(y_true.shape) not in (size, (*size, 1)) and None not in (*y_true.shape, *size):
        raise ValueError(
            "`y_true` must be masks of class indices, of the batch, height and width of the logits "
            f"`y_pred`. Received: shapes {tuple(y_true.shape)} and {tuple(logits.shape)}"
        )
    classes = logits.shape[-1]
    logits = ops.cast(logits, keras.backend.result_type(logits.dtype, "float32"))
    logits = ops.reshape(logits, (-1, classes))
    y_true = ops.reshape(y_true, (-1,))
    labels = ops.cast(y_true, "int32")
    is_whole = ops.equal(ops.cast(labels, y_true.dtype), y_true)
    not_void = ops.logical_not(is_whole & (labels == ignore_class))
    # The largest power is 1, whatever the logits.
    shifted = logits - ops.max(logits, axis=-1, keepdims=True)
    powers = ops.exp(shifted)
    total = ops.sum(powers, axis=-1)
    valid = not_void & is_whole & (labels >= 0) & (labels < classes)
    valid = valid & ops.logical_not(ops.isnan(total))
    labels = ops.where(valid, labels, 0)
    predicted = ops.cast(ops.argmax(logits, axis=-1), "int32")
    numbers = ops.arange(classes, dtype="int32")
    others = ops.sum(ops.where(numbers == predicted[:, None], 0.0, powers), axis=-1)
    of_label = ops.take_along_axis(shifted, labels[:, None], axis=-1)[:, 0]
    probability = ops.exp(of_label) / total
    squares = ops.sum(powers * powers, axis=-1) / (total * total)
    return Pixels(
        valid=valid,
        invalid=ops.count_nonzero(not_void & ops.logical_not(valid)),
        hits=predicted == labels,
        confidence=1.0 / total,
        log_odds=-ops.log(others),
        log_likelihood=of_label - ops.log(total),
        squared_error=ops.maximum(squares - 2.0 * probability + 1.0, 0.0),
    )


def checked_bins(bins):
    """A number of bins; `ValueError` if it is none."""
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise ValueError(f"`bins` must be an integer of at least 1. Received: bins={bins!r}")
    return bins


class PixelMetric(keras.metrics.Metric):
    """Base of metrics of the confidence of a segmentation: sums over the pixels that are not void.

    The state is integers and sums (in float64; in float32 on JAX), which add up over batches and
    replicas, so that the figure is that of the whole data set. A label that is neither a class nor
    void, or logits that are not numbers, make it not a number until the metric is reset.

    A subclass has `add_valid(pixels)`, which adds to its state, and `figure()`.

    Args:
        ignore_class: The void label; its pixels count nowhere.
        name: Name of the figure.

    Call arguments:
        y_true: Labels `(batch, height, width)`, which may have a last axis of length 1.
        y_pred: Logits `(batch, height, width, num_classes)`, finite, of any size.
        sample_weight: Not used; every valid pixel counts once.
    """

    def __init__(self, ignore_class=255, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.ignore_class = ignore_class
        wide = keras.backend.backend() != "jax"
        self.integer, self.float = ("int64", "float64") if wide else ("int32", "float32")
        self.number = self.add_variable((), "zeros", self.integer, name="number")
        self.invalid = self.add_variable((), "zeros", self.integer, name="invalid")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.add(read_pixels(y_true, y_pred, self.ignore_class))

    def add(self, pixels):
        """Adds what `read_pixels` has given, for metrics that share it.

        Args:
            pixels: `Pixels`.
        """
        self.number.assign_add(ops.cast(ops.count_nonzero(pixels.valid), self.integer))
        self.invalid.assign_add(ops.cast(pixels.invalid, self.integer))
        self.add_valid(pixels)

    def result(self):
        figure = ops.cast(self.figure(), "float32")
        return ops.where(self.invalid > 0, float("nan"), figure)

    def sum_of(self, values, valid):
        """Sum of the values of valid pixels."""
        return ops.sum(ops.where(valid, ops.cast(values, self.float), 0.0))

    def histogram(self, values, index, valid, bins):
        """Sums of the values of valid pixels by bin, in the dtype of `values`."""
        values = ops.where(valid, values, ops.zeros_like(values))
        return ops.segment_sum(values, ops.where(valid, index, 0), bins)

    def mean_of(self, total):
        """A sum by the number of pixels; 0 without any."""
        return total / ops.maximum(ops.cast(self.number, self.float), 1.0)

    def get_config(self):
        return {"ignore_class": self.ignore_class, "name": self.name}
