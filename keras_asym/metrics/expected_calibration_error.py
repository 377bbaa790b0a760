import keras
import numpy as np
from keras import ops

from keras_asym.metrics.pixel_metric import PixelMetric, checked_bins


@keras.saving.register_keras_serializable(package="keras_asym")
class ExpectedCalibrationError(PixelMetric):
    """Mean distance between confidence and accuracy, over the pixels that are not void.

    Pixels are put into bins of equal width by their confidence, the largest probability; the figure
    is `sum over bins of (pixels in the bin / all pixels) * |accuracy - mean confidence|`, in 0..1
    (Guo et al. 2017, [arXiv 1706.04599](https://arxiv.org/abs/1706.04599), eq. 3). What sums up
    over batches and replicas, and what makes it not a number, is said in `PixelMetric`.

    Args:
        bins: Number of bins; bin k of K holds the confidences in `(k / K, (k + 1) / K]`.
        ignore_class: The void label; its pixels count nowhere.
        name: Name of the figure.

    Call arguments:
        y_true: Labels `(batch, height, width)`.
        y_pred: Logits `(batch, height, width, num_classes)`.

    Raises:
        ValueError: If `bins` is no number of at least 1.

    Example:

    >>> metric = keras_asym.metrics.ExpectedCalibrationError()
    >>> metric.update_state(np.array([[[0, 1, 255]]]), np.zeros((1, 1, 3, 4)))
    >>> float(metric.result())
    0.25
    """

    def __init__(self, bins=15, ignore_class=255, name="ece", dtype=None):
        super().__init__(ignore_class, name, dtype)
        self.bins = checked_bins(bins)
        self.counts = self.add_variable((bins,), "zeros", self.integer, name="counts")
        self.hits = self.add_variable((bins,), "zeros", self.integer, name="hits")
        self.confidence = self.add_variable((bins,), "zeros", self.float, name="confidence")

    def add_valid(self, pixels):
        index = ops.cast(ops.ceil(pixels.confidence * self.bins), "int32") - 1
        index = ops.clip(index, 0, self.bins - 1)
        for state, values in (
            (self.counts, ops.cast(pixels.valid, "int32")),
            (self.hits, ops.cast(pixels.hits, "int32")),
            (self.confidence, ops.cast(pixels.confidence, self.float)),
        ):
            sums = self.histogram(values, index, pixels.valid, self.bins)
            state.assign_add(ops.cast(sums, state.dtype))

    def figure(self):
        distance = ops.abs(ops.cast(self.hits, self.float) - self.confidence)
        return self.mean_of(ops.sum(distance))

    def diagram(self):
        """What a reliability diagram shows of each bin.

        Returns:
            NumPy arrays `(bins,)`: the numbers of pixels, the mean confidence and the accuracy; the
            latter two are not numbers where a bin is empty.
        """
        counts, hits, confidence = (
            ops.convert_to_numpy(x).astype("float64")
            for x in (self.counts, self.hits, self.confidence)
        )
        with np.errstate(invalid="ignore"):
            return counts.astype("int64"), confidence / counts, hits / counts

    def get_config(self):
        return {"bins": self.bins, **super().get_config()}
