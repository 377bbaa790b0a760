"""Corruptions of depth sensors. Values are metres, a hole has none."""

import numpy as np

from recipes.segmentation.corruptions.draws import lowest
from recipes.segmentation.corruptions.generic import freeze, missing, shift
from recipes.segmentation.corruptions.registry import register


@register("depth", "holes")
def holes(values, hole, severity, draws):
    """5, 10, 20, 35, 50 % of the pixels have no answer, in patches of a twelfth of the height."""
    return values, hole | missing(draws, hole.shape, (0.05, 0.1, 0.2, 0.35, 0.5)[severity - 1])


@register("depth", "quantization")
def quantization(values, hole, severity, draws):
    """Few steps of disparity: 1, 2, 4, 8, 16 % of the distance apart at 1 m.

    As of a sensor by triangulation the step grows with the square of the distance. The farthest
    one that is left is 100, 50, 25, 12.5, 6.25 m.
    """
    step = (0.01, 0.02, 0.04, 0.08, 0.16)[severity - 1]
    with np.errstate(divide="ignore"):
        disparity = np.maximum(np.rint(1 / (values * step)), 1)
        return np.where(hole[..., None], values, 1 / (disparity * step)), hole


@register("depth", "range_cut")
def range_cut(values, hole, severity, draws):
    """No answer beyond 90, 75, 60, 45, 30 % of the frame's farthest distance."""
    share = (0.9, 0.75, 0.6, 0.45, 0.3)[severity - 1]
    return values, hole | (values > share * values.max())[..., 0]


@register("depth", "multipath")
def multipath(values, hole, severity, draws):
    """Light by detours: smooth patches lie too far by up to 4, 8, 15, 25, 40 %."""
    longest = (0.04, 0.08, 0.15, 0.25, 0.4)[severity - 1]
    height, width = hole.shape
    field = draws.patches(height, width, max(height / 4, 1))[..., None]
    return values * (1 + longest * field * field), hole


@register("depth", "flying_pixels")
def flying_pixels(values, hole, severity, draws):
    """Pixels between near and far: 25, 40, 60, 80, 100 % of those 1, 1, 2, 2, 3 off an edge."""
    share = (0.25, 0.4, 0.6, 0.8, 1.0)[severity - 1]
    reach = (1, 1, 2, 2, 3)[severity - 1]
    depth = values[..., 0]
    near = _extreme(np.where(hole, np.inf, depth), reach, np.minimum)
    far = _extreme(np.where(hole, -np.inf, depth), reach, np.maximum)
    flies = (far > 1.05 * near) & (draws.uniform(*hole.shape) < share) & ~hole
    near, far = np.where(flies, near, 0), np.where(flies, far, 0)
    between = near + draws.uniform(*hole.shape) * (far - near)
    return np.where(flies, between, depth)[..., None], hole


@register("depth", "misregistration")
def misregistration(values, hole, severity, draws):
    """The image lies 1, 2, 4, 6, 9 pixels beside the others; the direction is the sensor's."""
    return shift(values, hole, severity, draws)


@register("depth", "scale_error")
def scale_error(values, hole, severity, draws):
    """All distances are too long, or too short, by 2, 5, 10, 18, 30 %; which is the sensor's."""
    error = (0.02, 0.05, 0.1, 0.18, 0.3)[severity - 1]
    return values * (1 + error if draws.of_sensor.below(2) else 1 - error), hole


@register("depth", "dropout_lines")
def dropout_lines(values, hole, severity, draws):
    """5, 10, 20, 35, 50 % of the rows have no answer."""
    rows = draws.uniform(len(hole))
    return values, hole | lowest(rows, (0.05, 0.1, 0.2, 0.35, 0.5)[severity - 1])[:, None]


@register("depth", "lag", of_time=True, ordered=True)
def lag(index, severity, draws_of):
    """The image is 1, 2, 3, 5, 8 frames old."""
    return max(index - (1, 2, 3, 5, 8)[severity - 1], 0)


@register("depth", "stuck", of_time=True)
def stuck(index, severity, draws_of):
    """Of every five frames 1, 2, 3, 4, 5 do not come: the last one that did is shown again."""
    return freeze(index, severity, draws_of)


def _extreme(image, reach, choose):
    """The least or greatest value within `reach` pixels of each."""
    height, width = image.shape
    padded = np.pad(image, reach, mode="edge")
    rows = padded[:height]
    for start in range(1, 2 * reach + 1):
        rows = choose(rows, padded[start : start + height])
    found = rows[:, :width]
    for start in range(1, 2 * reach + 1):
        found = choose(found, rows[:, start : start + width])
    return found
