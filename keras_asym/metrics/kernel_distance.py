import numpy as np

from keras_asym.metrics.features import checked_features


class KernelDistance:
    """Unbiased squared maximum mean discrepancy of two sets of features.

    With the features of `FIDInception` and the polynomial kernel `(x.y / features + 1)^3` it is
    the KID (Binkowski et al. 2018, [arXiv 1801.01401](https://arxiv.org/abs/1801.01401)): the mean
    over random subsets, drawn without replacement, of the unbiased estimate. It may be negative.
    Features are kept as they come (8 KiB an image for 2048 float32), kernels are computed in
    float64. Subsets, their size and random numbers are those of torch-fidelity, whose seed is the
    default too: the same features in the same order give its figure.

    Args:
        subsets: Number of subsets.
        subset_size: Images in a subset, of either kind.
        seed: Seed of the random subsets.

    Raises:
        ValueError: If an argument is out of range, features are not `(images, features)` arrays of
            finite numbers, as wide as those before, or `result` has fewer images than a subset.

    Example:

    >>> distance = keras_asym.metrics.KernelDistance(subsets=4, subset_size=2)
    >>> distance.update([[1.0], [1.0]], [[0.0], [0.0]])
    >>> distance.result()["mean"]
    7.0
    """

    def __init__(self, subsets=100, subset_size=1000, seed=2020):
        for name, value, least in (("subsets", subsets, 1), ("subset_size", subset_size, 2)):
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"`{name}` must be a whole number of at least {least}. Received: "
                    f"{name}={value!r}"
                )
        self.subsets = subsets
        self.subset_size = subset_size
        self.seed = seed
        self._real, self._generated = [], []

    def update(self, real, generated):
        """Adds features `(images, features)`, of any number of images each."""
        width = self._real[0].shape[1] if self._real else None
        real, generated = checked_features(real, generated, width)
        self._real.append(real)
        self._generated.append(generated)

    def check(self, real, generated=None):
        """Raises `ValueError` if numbers of images are too small for `result`; costs nothing.

        Args:
            real: Number of real images.
            generated: Number of generated images; as many by default.
        """
        generated = real if generated is None else generated
        if min(real, generated) < self.subset_size:
            raise ValueError(
                "`subset_size` must not be larger than the number of images. Received: "
                f"subset_size={self.subset_size} with {real} real and {generated} generated "
                "images. Add images or take a smaller subset_size, and state it beside the figure."
            )

    def result(self):
        """Figures of all features so far.

        Returns:
            Dictionary of `float`: `"mean"` over the subsets, which is the KID,
            `"standard_deviation"` over the subsets (dividing by their number, not by one less),
            which others report beside it, and `"standard_error"`: that deviation divided by the
            root of the number of subsets. It is the error of the mean that comes of drawing
            *subsets*, not that of having these images and no others; not a number where every
            subset is the whole set.
        """
        counts = [sum(map(len, batches)) for batches in (self._real, self._generated)]
        self.check(*counts)
        real, generated = np.concatenate(self._real), np.concatenate(self._generated)
        random = np.random.RandomState(self.seed)
        values = []
        for _ in range(self.subsets):
            x = real[random.choice(len(real), self.subset_size, replace=False)]
            y = generated[random.choice(len(generated), self.subset_size, replace=False)]
            values.append(_discrepancy(x.astype("float64"), y.astype("float64")))
        deviation = float(np.std(values))
        whole = max(counts) == self.subset_size
        return {
            "mean": float(np.mean(values)),
            "standard_deviation": deviation,
            "standard_error": float("nan") if whole else deviation / self.subsets**0.5,
        }


def _discrepancy(x, y):
    """Unbiased estimate of the squared discrepancy, for as many x as y."""
    count = len(x)
    within = sum(_sum_off_diagonal(_kernel(z, z)) for z in (x, y)) / (count * (count - 1))
    return within - 2 * _kernel(x, y).mean()


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def _sum_off_diagonal(kernel):
    return kernel.sum() - np.trace(kernel)
