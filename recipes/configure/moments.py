"""Mean and spread of a sensor, and the value that marks holes."""

import numpy as np

_KEPT = 4096  # values of an image that are kept for quantiles
_GAP = 1.0  # of the spread between the 5th and 95th percentile, between a hole's value and others
_MARKERS = (0.0, 65535.0, 32767.0)  # values that usually mark holes; and those from -999 down
_LOWEST, _HUGE = -999.0, 1e20
_LEAST = 1e-5  # share of the pixels that holes must have
_MANY = 0.01  # share of an image's pixels


class Moments:
    """Statistics of a column, `(height, width, channels)` image by image."""

    def __init__(self):
        self.dtypes, self.channels = set(), set()
        self._kept = []
        self._not_finite = 0
        self._extreme = {}
        self._pixels = 0
        self.images_with_black = 0  # of which many pixels are 0 in all channels

    def add(self, image):
        """Adds an image."""
        self.dtypes.add(image.dtype.name)
        self.channels.add(image.shape[-1])
        flat = image.reshape(-1, image.shape[-1])
        finite = np.isfinite(flat).all(-1)
        self._not_finite += int((~finite).sum())
        self._pixels += len(flat)
        flat = flat[finite]
        if not len(flat):
            return
        for value in {0.0, float(flat.min()), float(flat.max())}:
            here = int((flat == value).all(-1).sum())
            self._extreme[value] = self._extreme.get(value, 0) + here
            self.images_with_black += value == 0 and here > _MANY * len(flat)
        self._kept.append(flat[:: max(1, len(flat) // _KEPT)].astype(np.float64))

    @property
    def kept(self):
        """Even sample of all values, `(pixels, channels)`."""
        return np.concatenate(self._kept) if self._kept else np.zeros((0, 1))

    def hole(self, is_depth=False):
        """The value that means "not measured", None without any.

        Zero in a depth; else a value at an end that many pixels have and that lies apart from all
        others, if it is one of those that are used for it. With NaN and infinity it is 0, for which
        they then stand.
        """
        values = self.kept
        found = None
        if self.dtypes & {"uint16", "int16", "float32"}:
            for value, count in sorted(self._extreme.items(), key=lambda item: -item[1]):
                others = values[(values != value).any(-1)]
                usual = value in _MARKERS or value <= _LOWEST or abs(value) > _HUGE
                if count < _LEAST * self._pixels or not len(others) or not usual:
                    continue
                low, high = np.quantile(others, (0.05, 0.95))
                distance = min(abs(others.min() - value), abs(others.max() - value))
                outside = not others.min() < value < others.max()
                apart = outside and distance > _GAP * max(high - low, 1e-9)
                marker = value in (65535.0, 0.0) and outside
                if apart or (value == 0 and is_depth) or (marker and is_depth):
                    found = value
                    break
        if found is None and (self._not_finite or is_depth):
            return 0.0
        return found

    def mean_and_std(self, hole=None, scale=1.0):
        """Mean and standard deviation of each channel in the scaled unit, without holes."""
        values = self.kept
        if hole is not None:
            values = values[(values != hole).any(-1)]
        if not len(values):
            return np.zeros(values.shape[-1]), np.ones(values.shape[-1])
        std = values.std(0) * scale
        return values.mean(0) * scale, np.where(std > 0, std, 1.0)
