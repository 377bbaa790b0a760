"""What the values of a depth image are: distances in which unit, disparities, or something else.

Two facts of perspective tell distances from what grows towards the camera. The lower part of a
picture is nearer than the upper, in most. And a plane has a disparity that is linear over the
picture, so that along a line its distance z has z'' = 2 z'^2 / z: the number z z'' / z'^2 is 2 for
a distance, 0 for a disparity and below 0 for a distance subtracted from something.
"""

import numpy as np

from tfds_builders.validate.fields import shrink

_LONGEST = 160
_LINE = 13  # pixels of the lines on which the curvature is measured
_SLOPE = 0.01  # least change over half a line, of the value
_STRAIGHT = 0.08  # most residual, of the change over half a line
_FRAMES = 3  # that must have lines
_ERRORS = 4.0
_CURVE = 0.02  # share of the cells of colours that a colour map fills at most
_TREND = 0.1  # least rank correlation of rows and values


class DepthNature:
    """Collects the values of a column of depth."""

    def __init__(self):
        self.trends, self.curvatures = [], []
        self.channels, self.dtypes = set(), set()
        self._values, self._colors = [], []
        self._channel_trends = []
        self.greys = 0
        self.divisor = 0
        self.images = 0

    def add(self, image):
        """Adds a `(height, width, channels)` image."""
        self.images += 1
        self.channels.add(image.shape[-1])
        self.dtypes.add(image.dtype.name)
        if image.shape[-1] > 1:
            self._add_colors(image)
            return
        values = image[..., 0]
        holes = ~np.isfinite(values) | (values == 0)
        if values.dtype == np.uint16:
            holes |= values == 65535
        kept = values[~holes]
        if kept.size < 50:
            return
        if values.dtype.kind in "ui":
            self.divisor = int(np.gcd(self.divisor, np.gcd.reduce(kept.astype(np.int64))))
        self._values.append(np.quantile(kept[:: max(1, kept.size // 20000)], (0.05, 0.5, 0.95)))
        factor = max(1, -(-max(values.shape) // _LONGEST))
        small, gone = shrink(image, factor, holes)
        self.trends.append(_trend(small[..., 0], ~gone))
        curvature = _curvature(small[..., 0].astype(np.float64), gone)
        if curvature is not None:
            self.curvatures.append(curvature)

    def _add_colors(self, image):
        small = image[:: max(1, image.shape[0] // 60), :: max(1, image.shape[1] // 80), :3]
        small = small.astype(np.float64)
        self._colors.append(small.reshape(-1, small.shape[-1]))
        known = np.ones(small.shape[:2], bool)
        self._channel_trends.append([_trend(small[..., c], known) for c in range(small.shape[-1])])

    @property
    def quantiles(self):
        """Medians over the images of the 5th, 50th and 95th percentile, None without any."""
        return np.median(self._values, 0) if self._values else None

    def nature(self):
        """`distance`, `disparity`, `inverted`, `color_map`, `hha`, `photo`, or None if unknown."""
        if max(self.channels, default=1) >= 3:
            return self._nature_of_colors()
        if self.dtypes == {"uint8"}:
            return "color_map"
        trend, trend_steps = _mean(self.trends)
        if trend < 0 or trend_steps < _ERRORS or trend < _TREND:
            return "distance" if trend < -_TREND and trend_steps < -2 else None
        if len(self.curvatures) < _FRAMES:
            return "inverted"
        curvature = float(np.median(self.curvatures))
        if curvature > 1:
            return None
        return "disparity" if curvature > -0.6 else "inverted"

    def _nature_of_colors(self):
        colors = np.concatenate(self._colors)
        if (colors.max(-1) - colors.min(-1) <= 2).mean() > 0.98:
            return "color_map"
        first, second, third = (_mean([t[c] for t in self._channel_trends]) for c in range(3))
        for disparity, height in ((first, second), (third, second)):
            trends = disparity, _minus(height)
            if all(t > _TREND and steps > 3 for t, steps in trends) and _spread(colors) > _CURVE:
                return "hha"
        return "color_map" if _spread(colors) <= _CURVE else "photo"


def _spread(colors):
    """How much of the cube of colours a set fills: the share of 16x16x16 cells, by the pixels."""
    cells = np.unique((colors // 16).astype(int) @ (1, 16, 256))
    return len(cells) / 4096


def _mean(values):
    """Mean, and how many standard errors it is from 0."""
    values = np.asarray([v for v in values if np.isfinite(v)])
    if len(values) < 2:
        return 0.0, 0.0
    return float(values.mean()), float(
        values.mean() / (values.std(ddof=1) / len(values) ** 0.5 + 1e-9)
    )


def _minus(trend):
    return -trend[0], -trend[1]


def _trend(values, known):
    """Rank correlation of rows and values."""
    rows = np.broadcast_to(np.arange(values.shape[0])[:, None], values.shape)[known]
    values = values[known]
    if len(values) < 20 or values.min() == values.max():
        return 0.0
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return float(np.corrcoef(rows, ranks)[0, 1])


def _curvature(values, gone):
    """z z'' / z'^2 on straight lines of an image, None without any that slope."""
    if min(values.shape) < 2 * _LINE:
        return None
    half = _LINE // 2
    t = np.arange(-half, half + 1, dtype=np.float64)
    basis = np.stack([np.ones_like(t), t, t * t])
    solve = np.linalg.pinv(basis.T)
    top, bottom = [], []
    for turned, holes in ((values, gone), (values.T, gone.T)):
        lines = np.lib.stride_tricks.sliding_window_view(turned, _LINE, 1)[::2, ::half]
        masks = np.lib.stride_tricks.sliding_window_view(holes, _LINE, 1)[::2, ::half]
        a, b, c = np.moveaxis(lines @ solve.T, -1, 0)
        fitted = np.stack([a, b, c], -1) @ basis
        residual = np.sqrt(((lines - fitted) ** 2).mean(-1))
        change = np.abs(b) * half
        spread = np.percentile(values[~gone], 95) - np.percentile(values[~gone], 5)
        good = ~masks.any(-1) & (change > _SLOPE * spread * 2) & (residual < _STRAIGHT * change)
        good &= np.abs(c) * half * half < change  # no bend, no corner
        top.append((2 * c * a * b * b)[good])
        bottom.append((b**4)[good])
    top, bottom = np.concatenate(top), np.concatenate(bottom)
    if len(top) < 20:
        return None
    # The median of the lines' own numbers, weighted by how well each is measured.
    ratio, weight = top / bottom, np.sqrt(bottom)
    order = np.argsort(ratio)
    total = np.cumsum(weight[order])
    return float(ratio[order][np.searchsorted(total, total[-1] / 2)])
