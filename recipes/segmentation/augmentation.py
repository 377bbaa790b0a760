"""Settings of the joint scaling, crop and mirror of segmentation."""

import numpy as np

from recipes.data.geometry import random_geometry

NUM_UNIFORMS = 4

_KEYS = ("size", "scale", "shorter_side", "mirror")


def check_augmentation(config):
    """Raises `ValueError` where the settings cannot be used.

    | key | meaning |
    |---|---|
    | `size` | `(height, width)` of the result in pixels; required |
    | `scale` | `(low, high)`, the range of the random scale. Default `(1, 1)`: no resizing |
    | `shorter_side` | least length of the shorter side after scaling, in pixels. Default 0 |
    | `mirror` | probability of a horizontal mirror. Default 0 |
    """
    unknown = sorted(set(config) - set(_KEYS))
    if unknown:
        raise ValueError(
            f"`augmentation` must have keys among {_KEYS}. Received: unknown keys {unknown}"
        )
    size = config.get("size")
    if size is None or len(size) != 2 or min(size) < 1:
        raise ValueError(
            f"`augmentation.size` must be (height, width) in pixels. Received: size={size}"
        )
    low, high = config.get("scale", (1.0, 1.0))
    if not 0 < low <= high:
        raise ValueError(
            "`augmentation.scale` must be (low, high) with 0 < low <= high. "
            f"Received: scale={(low, high)}"
        )
    mirror = config.get("mirror", 0.0)
    if not 0 <= mirror <= 1:
        raise ValueError(
            f"`augmentation.mirror` must be a probability in 0..1. Received: mirror={mirror}"
        )


def draw_geometry(extent, config, uniforms, ops):
    """Random scale, random crop and random mirror.

    Args:
        extent: height and width of the stored images, int32 `(2,)`.
        config: see `check_augmentation`.
        uniforms: `NUM_UNIFORMS` random numbers in [0, 1).
        ops: module of array functions.

    Returns:
        `Geometry` with a crop of at most `config["size"]`: an image that is smaller after scaling
        stays smaller, and is left to be padded.
    """
    low, high = config.get("scale", (1.0, 1.0))
    shorter_side = config.get("shorter_side", 0)
    scaled = None
    if (low, high) != (1.0, 1.0) or shorter_side:
        size = ops.cast(extent, "float32")
        factor = np.float32(low) + np.float32(high - low) * uniforms[0]
        factor = ops.maximum(factor, np.float32(shorter_side) / ops.minimum(size[0], size[1]))
        scaled = ops.maximum(ops.cast(ops.round(size * factor), "int32"), 1)
    mirror = config.get("mirror", 0.0)
    return random_geometry(extent, scaled, config["size"], mirror, uniforms[1:], ops)
