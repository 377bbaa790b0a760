"""Depth in metres as the integers that are stored."""

import numpy as np


def encode_metres(metres, units_per_metre, name):
    """Rounds a depth map to uint16. Holes (0, NaN, infinity) become 0.

    Args:
        metres: Array of floats.
        units_per_metre: 1000 for millimetres.
        name: What to call it in errors.

    Returns:
        A uint16 array of the same shape.

    Raises:
        ValueError: If a depth is negative or too large for uint16.
    """
    metres = np.where(np.isfinite(metres), metres, 0).astype(np.float64)
    units = np.rint(metres * units_per_metre)
    if units.min() < 0 or units.max() > 65535:
        raise ValueError(
            f"{name}: depth must be in 0..{65535 / units_per_metre:.3f} metres. Received: "
            f"{metres.min():.6g}..{metres.max():.6g}. Check whether it is in metres."
        )
    return units.astype(np.uint16)
