"""Corruptions of cameras. Values are 0 (black) to 1 (white), about the square root of the light."""

import numpy as np

from recipes.segmentation.corruptions import jpeg
from recipes.segmentation.corruptions.draws import lowest
from recipes.segmentation.corruptions.registry import register

_LUMA = (0.299, 0.587, 0.114)
_DROPS = 0.006
"""Streaks of rain to a pixel, at the worst."""


@register("rgb", "noise")
def noise(values, hole, severity, draws):
    """Noise of photons and of reading: up to 4, 8, 13, 20, 30 % of white."""
    size = (0.04, 0.08, 0.13, 0.2, 0.3)[severity - 1]
    # The square root of the light has the same noise of photons everywhere, that of reading adds
    # to it in the dark.
    spread = size * (0.7 + 0.3 * (1 - np.clip(values, 0, 1)))
    return values + spread * draws.normal(*values.shape), hole


@register("rgb", "blur")
def blur(values, hole, severity, draws):
    """Out of focus: a window of 1, 2, 3.2, 5, 8 % of the width on each side, twice."""
    reach = (0.005, 0.01, 0.016, 0.025, 0.04)[severity - 1] * values.shape[1]
    for axis in (0, 1, 0, 1):
        values = _window(values, reach, axis)
    return values, hole


@register("rgb", "exposure")
def exposure(values, hole, severity, draws):
    """A frame that is too bright or too dark: light times or by 1.6, 2.5, 4, 7, 12."""
    # The square root of the light, so of its factor; written out.
    factor = (1.265, 1.581, 2.0, 2.646, 3.464)[severity - 1]
    return np.clip(values * factor if draws.below(2) else values / factor, 0, 1), hole


@register("rgb", "fog")
def fog(values, hole, severity, draws):
    """A veil in patches, thicker to the top: 80, 65, 50, 35, 20 % of the contrast is left."""
    through = (0.8, 0.65, 0.5, 0.35, 0.2)[severity - 1]
    height, width = hole.shape
    depth = 0.6 + 0.4 * np.linspace(1, 0, height)[:, None]
    depth = depth + 0.4 * (draws.patches(height, width, max(height / 3, 1)) - 0.5)
    veil = np.clip((1 - through) * depth, 0, 1)[..., None]
    return values * (1 - veil) + 0.85 * veil, hole


@register("rgb", "rain")
def rain(values, hole, severity, draws):
    """Slanted streaks, 20, 40, 60, 80, 100 % of a cloudburst, and its haze."""
    share = severity / 5
    height, width = hole.shape
    count = max(round(_DROPS * height * width), 5)
    row, column, length, light = (draws.uniform(count) for _ in range(4))
    slant = 0.5 * draws.uniform() - 0.25
    longest = max(height // 8, 3)
    steps = np.arange(longest)
    last = np.floor(longest * (0.5 + 0.5 * length))[:, None]
    y = np.floor(row * (height + longest))[:, None] - steps
    x = np.floor(column * width)[:, None] + np.rint(slant * steps)
    falls = np.arange(count)[:, None] < share * count
    seen = falls & (steps < last) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    streaks = np.zeros(hole.shape)
    place = y[seen].astype(int), x[seen].astype(int)
    np.maximum.at(streaks, place, np.broadcast_to((0.4 + 0.4 * light)[:, None], seen.shape)[seen])
    veil = (0.25 * share + (1 - 0.25 * share) * streaks)[..., None]
    return values * (1 - veil) + 0.75 * veil, hole


@register("rgb", "occlusion")
def occlusion(values, hole, severity, draws):
    """Dirt on the lens hides 5, 10, 20, 35, 50 % of the picture."""
    height, width = hole.shape
    y = np.arange(height)[:, None] - draws.uniform() * height
    x = np.arange(width)[None, :] - draws.uniform() * width
    away = (x * x + y * y) / (height * height)
    field = away * (0.5 + draws.patches(height, width, max(height / 6, 1)))
    hidden = lowest(field, (0.05, 0.1, 0.2, 0.35, 0.5)[severity - 1])
    return np.where(hidden[..., None], (0.16, 0.13, 0.1), values), hole


@register("rgb", "saturation")
def saturation(values, hole, severity, draws):
    """Colours are lost: 70, 45, 25, 10, 0 % of their saturation is left."""
    left = (0.7, 0.45, 0.25, 0.1, 0.0)[severity - 1]
    grey = _grey(values)
    return grey + left * (values - grey), hole


@register("rgb", "colour_cast")
def colour_cast(values, hole, severity, draws):
    """A white balance that is off: red against blue by 10, 20, 35, 55, 80 % of the light."""
    factor = (1.049, 1.095, 1.162, 1.245, 1.342)[severity - 1]  # square roots
    warm = np.array((factor, 1.0, 1 / factor))
    return np.clip(values * (warm if draws.below(2) else 1 / warm), 0, 1), hole


@register("rgb", "compression")
def compression(values, hole, severity, draws):
    """What JPEG loses at the qualities 30, 18, 12, 7, 4."""
    return jpeg.compressed(values, (30, 18, 12, 7, 4)[severity - 1]), hole


@register("rgb", "dead_rows")
def dead_rows(values, hole, severity, draws):
    """5, 10, 20, 35, 50 % of the rows are black, the same in all frames."""
    rows = draws.of_sensor.uniform(len(values))
    dead = lowest(rows, (0.05, 0.1, 0.2, 0.35, 0.5)[severity - 1])
    return np.where(dead[:, None, None], 0.0, values), hole


def _grey(values):
    """Luma `(height, width, 1)`, added up in one order everywhere."""
    red, green, blue = (values[..., channel : channel + 1] for channel in range(3))
    return (_LUMA[0] * red + _LUMA[1] * green) + _LUMA[2] * blue


def _window(values, reach, axis):
    """The mean over `reach` pixels on both sides, the outermost counted in part."""
    whole, size = int(reach), values.shape[axis]
    pad = [(whole + 1, whole + 1) if a == axis else (0, 0) for a in range(3)]
    padded = np.moveaxis(np.pad(values, pad, mode="edge"), axis, 0)
    total = np.zeros((size, *padded.shape[1:]))
    for place in range(2 * whole + 3):
        outermost = place in (0, 2 * whole + 2)
        total += (reach - whole if outermost else 1.0) * padded[place : place + size]
    return np.moveaxis(total / (2 * reach + 1), 0, axis)
