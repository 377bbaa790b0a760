import keras
import numpy as np
from keras import ops

from keras_asym.metrics.pixel_metric import PixelMetric, checked_bins

LOWEST, HIGHEST = -8.0, 24.0  # log-odds: 1000 classes that are alike have -6.9, float32 ends at 17
_REST = [
    float(np.sum(1.0 / np.arange(1, n + 1)) - np.log(n + 0.5) - np.euler_gamma) for n in range(32)
]


@keras.saving.register_keras_serializable(package="keras_asym")
class AreaUnderRiskCoverage(PixelMetric):
    """Error of the pixels that are answered, averaged over how many are: AURC.

    Pixels are answered in the order of their confidence, the largest probability first. The risk is
    the share of wrong ones among those answered, and the figure its mean over `1, 2, ..., n`
    answered pixels, in 0..1 (Geifman et al. 2019,
    [arXiv 1805.08206](https://arxiv.org/abs/1805.08206)). The pixels are those that are not void.

    They are kept in a histogram of the log-odds `log(p / (1 - p))` of the confidence, from -8 to 24
    in bins of equal width, so that the figure of any number of pixels needs little memory. It is
    exact up to the bins: pixels of one bin are in random order (what is expected of it), and
    so are those beyond either end. What sums up over batches and replicas, and what makes it not a
    number, is said in `PixelMetric`.

    Args:
        bins: Number of bins.
        ignore_class: The void label; its pixels count nowhere.
        name: Name of the figure.

    Call arguments:
        y_true: Labels `(batch, height, width)`.
        y_pred: Logits `(batch, height, width, num_classes)`.

    Raises:
        ValueError: If `bins` is no number of at least 1.

    Example:

    >>> metric = keras_asym.metrics.AreaUnderRiskCoverage()
    >>> logits = np.array([[[[9.0, 0.0], [0.0, 1.0]]]])
    >>> metric.update_state(np.array([[[0, 0]]]), logits)  # the less confident one is wrong
    >>> round(float(metric.result()), 6)
    0.25
    """

    def __init__(self, bins=4096, ignore_class=255, name="aurc", dtype=None):
        super().__init__(ignore_class, name, dtype)
        self.bins = checked_bins(bins)
        self.counts = self.add_variable((bins,), "zeros", self.integer, name="counts")
        self.errors = self.add_variable((bins,), "zeros", self.integer, name="errors")

    def add_valid(self, pixels):
        share = (ops.clip(pixels.log_odds, LOWEST, HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
        # The most confident first; nothing that is not a number becomes an index.
        index = self.bins - 1 - ops.cast(ops.floor(share * self.bins), "int32")
        index = ops.clip(index, 0, self.bins - 1)
        wrong = ops.logical_not(pixels.hits)
        for state, values in ((self.counts, pixels.valid), (self.errors, wrong)):
            sums = self.histogram(ops.cast(values, "int32"), index, pixels.valid, self.bins)
            state.assign_add(ops.cast(sums, state.dtype))

    def figure(self):
        counts, errors = (ops.cast(x, self.float) for x in (self.counts, self.errors))
        before, wrong = ops.cumsum(counts) - counts, ops.cumsum(errors) - errors
        rate = errors / ops.maximum(counts, 1.0)
        # The sum over j = 1..counts of the expected (wrong + j rate) / (before + j).
        risks = rate * counts + (wrong - rate * before) * _harmonic(before, counts)
        return self.mean_of(ops.sum(ops.where(counts > 0, risks, 0.0)))

    def curve(self, points=200):
        """The risk-coverage curve.

        Args:
            points: Largest number of its points.

        Returns:
            NumPy arrays of the same length: coverage, rising to 1, and the risk there.
        """
        counts, errors = (ops.convert_to_numpy(x) for x in (self.counts, self.errors))
        answered, wrong = np.cumsum(counts), np.cumsum(errors)
        total = max(int(answered[-1]), 1)
        wanted = np.linspace(total / points, total, points)
        index = np.unique(np.searchsorted(answered, wanted, "left").clip(0, self.bins - 1))
        index = index[answered[index] > 0]
        return answered[index] / total, wrong[index] / answered[index]

    def get_config(self):
        return {"bins": self.bins, **super().get_config()}


def _harmonic(before, counts):
    """`1 / (before + 1) + ... + 1 / (before + counts)`."""

    def rest(n):  # of the harmonic number of n beyond log(n + 1/2) and Euler's constant
        few = ops.take(ops.convert_to_tensor(_REST, n.dtype), ops.cast(ops.minimum(n, 31), "int32"))
        return ops.where(n < len(_REST), few, 1.0 / (24.0 * (n + 0.5) ** 2))

    return ops.log1p(counts / (before + 0.5)) + rest(before + counts) - rest(before)
