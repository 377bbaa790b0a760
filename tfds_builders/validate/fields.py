"""Edges as fields of directions, in which images of different sensors can be compared.

Colour, distance and temperature have no values in common, but an object has one outline in all of
them. A field holds at each pixel the direction of the gradient by twice its angle, so that light on
dark and dark on light are alike, with a length between 0 (even) and 1 (an edge): the normalized
gradient fields of Haber and Modersitzki (2006).
"""

import numpy as np

_LONGEST = 192  # pixels of the side of a field
_BORDER = 3
_PALETTE = np.random.default_rng(0).normal(size=(256, 3)).astype(np.float32)


def factor_of(size):
    """How many pixels of an image become one of its field."""
    return max(1, -(-max(size) // _LONGEST))


def shrink(image, factor, holes=None):
    """Mean of each `factor` x `factor` block, without holes; `(h, w, c)` float32 and bool `(h, w)`.

    Args:
        image: `(height, width, channels)` array.
        factor: Whole number.
        holes: bool `(height, width)`, or None.
    """
    height, width = (side // factor for side in image.shape[:2])
    values = image[: height * factor, : width * factor].astype(np.float32)
    known = np.isfinite(values).all(-1)
    if holes is not None:
        known &= ~holes[: height * factor, : width * factor]
    values = np.where(known[..., None], values, 0)
    blocks = values.reshape(height, factor, width, factor, -1).sum((1, 3))
    counts = known.reshape(height, factor, width, factor).sum((1, 3))
    return blocks / np.maximum(counts, 1)[..., None], counts * 2 <= factor * factor


def mask_colors(label, factor):
    """A mask as an image whose every class has a random colour."""
    return shrink(_PALETTE[label[..., 0].clip(0, 255)], factor)[0]


def field(values, holes=None):
    """Field of an image.

    Args:
        values: `(height, width, channels)` float array.
        holes: bool `(height, width)`: where nothing is measured, there is no edge.

    Returns:
        complex64 `(height, width)`, of mean 0.
    """
    for axis in (0, 1):
        values = (np.roll(values, 1, axis) + 2 * values + np.roll(values, -1, axis)) / 4
    across = (np.roll(values, -1, 1) - np.roll(values, 1, 1)) / 2
    down = (np.roll(values, -1, 0) - np.roll(values, 1, 0)) / 2
    squared = ((across + 1j * down) ** 2).sum(-1)
    strength = np.sqrt(np.abs(squared))
    inside = np.zeros(strength.shape, bool)
    inside[_BORDER:-_BORDER, _BORDER:-_BORDER] = True
    if holes is not None:
        wide = holes.copy()
        for axis in (0, 1):
            wide |= np.roll(wide, 1, axis) | np.roll(wide, -1, axis)
            wide |= np.roll(wide, 2, axis) | np.roll(wide, -2, axis)
        inside &= ~wide
    if not inside.any():
        return np.zeros(strength.shape, np.complex64)
    usual = strength[inside].mean() + 1e-12
    result = squared / np.maximum(np.abs(squared), 1e-20) * (strength / (strength + usual))
    result = np.where(inside, result, 0)
    result -= np.where(inside, result[inside].mean(), 0)
    return result.astype(np.complex64)


def summary(field, rows=18, columns=24):
    """A field in few numbers: strengths and directions of blocks, `(3 * rows * columns,)`."""
    parts = np.stack([field.real, field.imag, np.abs(field)])
    for axis, count in ((1, rows), (2, columns)):
        edges = np.linspace(0, parts.shape[axis], count + 1).astype(int)[:-1]
        parts = np.add.reduceat(parts, edges, axis)
    return parts.reshape(-1).astype(np.float32)
