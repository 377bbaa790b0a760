import numpy as np

from keras_asym.metrics.features import checked_features


class FrechetDistance:
    """Distance of two sets of features, each taken for a normal distribution.

    `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))` with the means m and the unbiased covariances S
    of real and generated features (Heusel et al. 2017,
    [arXiv 1706.08500](https://arxiv.org/abs/1706.08500), eq. 6); with the features of
    `FIDInception` it is the FID. Means and covariances are kept in float64 and merged batch by
    batch, so that memory does not grow with the number of images.

    With fewer images than features the covariances are singular. That is no obstacle, but the
    distance grows as images get fewer: compare only figures of the same number of images.

    Raises:
        ValueError: If features are not `(images, features)` arrays of finite numbers, as wide as
            those before, or if `result` has fewer than two images of either kind.

    Example:

    >>> distance = keras_asym.metrics.FrechetDistance()
    >>> distance.update([[0.0], [2.0]], [[3.0], [5.0]])
    >>> round(distance.result(), 6)
    9.0
    """

    def __init__(self):
        self._real, self._generated = _Moments(), _Moments()

    def update(self, real, generated):
        """Adds features `(images, features)`, of any number of images each."""
        real, generated = checked_features(real, generated, self._real.width)
        self._real.add(real)
        self._generated.add(generated)

    def result(self):
        """The distance of all features so far, a `float`."""
        for name, moments in (("real", self._real), ("generated", self._generated)):
            if moments.count < 2:
                raise ValueError(
                    f"The Frechet distance needs at least 2 {name} images, and more than a "
                    f"thousand to be of use. Received: {moments.count}"
                )
        difference = self._real.mean - self._generated.mean
        covariances = self._real.covariance(), self._generated.covariance()
        # tr (S1 S2)^(1/2) is the sum of the singular values of F1' F2 for any S = F F'. Unlike the
        # eigenvalues of S1 S2, of which the root is still to be taken, they keep their precision.
        factors = [_factor(covariance) for covariance in covariances]
        shared = np.linalg.svd(factors[0].T @ factors[1], compute_uv=False).sum()
        total = sum(np.trace(covariance) for covariance in covariances)
        return max(float(difference @ difference + total - 2 * shared), 0.0)


class _Moments:
    """Mean and scatter matrix of a stream of rows (Chan, Golub and LeVeque 1979)."""

    def __init__(self):
        self.count, self.mean, self.scatter = 0, None, None

    @property
    def width(self):
        return None if self.mean is None else len(self.mean)

    def add(self, rows):
        if self.mean is None:
            self.mean = np.zeros(rows.shape[1])
            self.scatter = np.zeros((rows.shape[1], rows.shape[1]))
        count, total = len(rows), self.count + len(rows)
        if not count:
            return
        rows = rows.astype("float64")
        mean = rows.mean(axis=0)
        step = mean - self.mean
        between = np.sqrt(self.count * count / total) * step
        deviations = np.concatenate([rows - mean, between[None]])
        self.scatter += deviations.T @ deviations
        self.mean = self.mean + step * (count / total)
        self.count = total

    def covariance(self):
        return self.scatter / (self.count - 1)


def _factor(covariance):
    """F `(features, rank)` with `covariance = F F'`, without directions that are rounding noise."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > values[-1] * len(values) * np.finfo("float64").eps
    return vectors[:, kept] * np.sqrt(values[kept])
