"""How SUN RGB-D stores its depth."""

import numpy as np

UNITS_PER_METRE = 1000
LARGEST = 8 * UNITS_PER_METRE


def decode_depth(stored):
    """Millimetres of a depth PNG: bits rotated back by three, clipped at 8 metres.

    Args:
        stored: uint16 array, as in the file.

    Returns:
        uint16 array of the same shape, 0 = hole.

    Example:

    >>> decode_depth(np.array([8000 << 3, 1], np.uint16))
    array([8000, 8000], dtype=uint16)
    """
    return np.minimum((stored >> 3) | (stored << 13), np.uint16(LARGEST))
