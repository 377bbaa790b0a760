"""Statistics of one column of images."""

import collections

import numpy as np

_FLOAT_SAMPLES = 20_000  # of an image of floats


class ImageStatistics:
    """Types, sizes and values of all images of a column.

    Exact for integers without a sign, whose histogram is kept; of others an even sample is. Pixels
    with 0, NaN or infinity, and the greatest value of 16 bits, count as holes if `has_holes`.

    Args:
        has_holes: Whether it is depth.
    """

    def __init__(self, has_holes=False):
        self.has_holes = has_holes
        self.types = collections.Counter()
        self.sizes = collections.Counter()
        self.pixels = 0
        self.holes = 0
        self.empty = 0
        self.not_finite = 0
        self._histogram = np.zeros(1 << 16, np.int64)
        self._samples = []

    def add(self, image):
        """Adds one `(height, width, channels)` image."""
        self.types[f"{image.dtype} x {image.shape[-1]}"] += 1
        self.sizes[image.shape[:2]] += 1
        if not np.issubdtype(image.dtype, np.unsignedinteger):
            finite = np.isfinite(image)
            self.not_finite += int((~finite).sum())
            holes = ~finite | (image == 0)
            kept = image[~holes] if self.has_holes else image[finite]
            self._samples.append(kept[:: max(1, kept.size // _FLOAT_SAMPLES)].astype(np.float64))
            holes = int(holes.sum())
        else:
            if image.dtype.itemsize > 2:
                image = np.clip(image, 0, (1 << 16) - 1)
            counts = np.bincount(image.ravel(), minlength=1 << 16)
            self._histogram += counts
            holes = int(counts[0] + counts[-1])
        self.pixels += image.size
        self.holes += holes
        self.empty += holes == image.size

    @property
    def greatest_of_16_bits(self):
        """Number of pixels that are 65535."""
        return int(self._histogram[-1])

    @property
    def hole_share(self):
        return self.holes / max(self.pixels, 1)

    @property
    def range(self):
        """Least and greatest value, None without any."""
        values = self.quantiles((0, 1), with_holes=True)
        return None if values is None else tuple(values)

    def quantiles(self, shares, with_holes=False):
        """Values below which these shares of the pixels lie, without holes if it is depth."""
        if self._samples:
            samples = np.concatenate(self._samples)
            return np.quantile(samples, shares) if samples.size else None
        counts = self._histogram.copy()
        if self.has_holes and not with_holes:
            counts[[0, -1]] = 0
        total = counts.sum()
        if not total:
            return None
        places = np.clip(np.ceil(np.array(shares) * total), 1, total)
        return np.searchsorted(np.cumsum(counts), places)

    @property
    def divisor(self):
        """Greatest common divisor of all values of an integer image, 0 without any."""
        values = np.flatnonzero(self._histogram[:-1])
        return int(np.gcd.reduce(values)) if values.size else 0
