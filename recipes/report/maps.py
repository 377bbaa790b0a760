"""Pictures of a value at each pixel: a heat map over a photograph, and where a network is wrong."""

import matplotlib
import numpy as np
from PIL import Image

HEAT = matplotlib.colormaps["inferno"]
RIGHT, WRONG, VOID = (226, 230, 235), (201, 42, 42), (60, 66, 74)
"""Colours of an error map."""


def heat_map(values, background, high, opacity=0.85):
    """A value at each pixel as a colour over a grey picture, which shows where the value is low.

    Args:
        values: `(height, width)`, of any size; it is stretched over the picture. NaN is left grey.
        background: uint8 `(height, width, 3)`; what is dark in it is brightened.
        high: Value of the brightest colour; that of the darkest is 0.
        opacity: Share of the brightest colour, in 0..1; the darkest has a third of it.

    Returns:
        uint8 array of the shape of `background`.

    Raises:
        ValueError: If `values` have other than two axes, or `high` is not positive.
    """
    values = np.asarray(values, "float32")
    if values.ndim != 2 or not high > 0:
        raise ValueError(
            "`values` must be (height, width), and `high` must be positive. "
            f"Received: shape {values.shape}, high={high}"
        )
    background = np.asarray(background)
    height, width = background.shape[:2]
    known = np.isfinite(values)
    filled = np.where(known, values / high, 0.0)
    if filled.shape != (height, width):
        size, grow = (width, height), Image.Resampling.BILINEAR
        filled = np.asarray(Image.fromarray(filled.astype("float32")).resize(size, grow))
        size = Image.fromarray(known).resize(size, Image.Resampling.NEAREST)
        known = np.asarray(size)
    filled = np.clip(filled, 0, 1)
    share = (known * opacity * (1 + 2 * filled) / 3)[..., None]
    return np.rint(share * 255 * HEAT(filled)[..., :3] + (1 - share) * _grey(background)).astype(
        "uint8"
    )


def _grey(picture):
    """Brightness of a picture from dark to light grey, `(height, width, 1)`."""
    grey = picture.mean(-1, keepdims=True)
    low, high = np.percentile(grey, (1, 99))
    return 70 + 150 * np.clip((grey - low) / max(high - low, 1.0), 0, 1)


def error_map(classes, labels, void):
    """Where predicted classes are wrong: red; right ones are light grey, void is dark grey.

    Args:
        classes, labels: integers `(height, width)`.
        void: The label that does not count.

    Returns:
        uint8 `(height, width, 3)`.
    """
    classes, labels = np.asarray(classes), np.asarray(labels)
    kind = np.where(labels == void, 2, classes != labels)
    return np.array([RIGHT, WRONG, VOID], "uint8")[kind]


def color_bar():
    """The colours of a heat map from low to high, uint8 `(1, 256, 3)`."""
    return np.rint(255 * HEAT(np.linspace(0, 1, 256))[None, :, :3]).astype("uint8")
