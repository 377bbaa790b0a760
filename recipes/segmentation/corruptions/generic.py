"""Corruptions of any sensor. Values are in its standard deviations, see `Sensor`."""

import numpy as np

from recipes.segmentation.corruptions.draws import lowest
from recipes.segmentation.corruptions.registry import register

STEPS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""Directions of a shift: rows down, columns to the right."""


@register("generic", "noise")
def noise(values, hole, severity, draws):
    """Noise of 0.2, 0.4, 0.8, 1.2, 2 standard deviations of the signal."""
    size = (0.2, 0.4, 0.8, 1.2, 2.0)[severity - 1]
    return values + size * draws.normal(*values.shape), hole


@register("generic", "dropout")
def dropout(values, hole, severity, draws):
    """5, 10, 20, 35, 50 % of the pixels are missing, in patches of a twelfth of the height."""
    return values, hole | missing(draws, hole.shape, (0.05, 0.1, 0.2, 0.35, 0.5)[severity - 1])


@register("generic", "shift")
def shift(values, hole, severity, draws):
    """The image lies 1, 2, 4, 6, 9 pixels beside the others; the direction is the sensor's."""
    pixels = (1, 2, 4, 6, 9)[severity - 1]
    down, right = STEPS[draws.of_sensor.below(len(STEPS))]
    return moved(values, hole, pixels * down, pixels * right)


@register("generic", "freeze", of_time=True)
def freeze(index, severity, draws_of):
    """Of every five frames 1, 2, 3, 4, 5 do not come: the last one that did is shown again.

    Where frames do not follow one another in time this is an image of another scene.
    """
    if severity == 5:
        return 0
    while index and _does_not_come(index, severity, draws_of):
        index -= 1
    return index


def _does_not_come(index, severity, draws_of):
    five, place = divmod(index, 5)
    order = draws_of(five).uniform(5)
    return (order < order[place]).sum() < severity


def missing(draws, shape, share):
    """A share of the pixels in patches, bool `(height, width)`."""
    height, width = shape
    return lowest(draws.patches(height, width, max(height / 12, 1)), share)


def moved(values, hole, down, right):
    """An image that lies elsewhere; what comes into view was not measured."""
    height, width = hole.shape
    rows = np.arange(height) - down
    columns = np.arange(width) - right
    seen = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    return values[rows][:, columns], hole[rows][:, columns] | ~seen
