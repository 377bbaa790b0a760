"""Depth from Cityscapes' disparity and camera files."""

import dataclasses
import json
import math

import numpy as np

# Depth is stored in 5 mm: 300 m are 60000, within uint16.
UNITS_PER_METRE = 200
MAX_DEPTH = 300.0


@dataclasses.dataclass(frozen=True)
class Camera:
    """What depth needs of a camera file.

    Args:
        baseline: Distance of the two cameras, metres.
        focal_length: Horizontal focal length, pixels of the full resolution.
    """

    baseline: float
    focal_length: float


def parse_camera(data, name):
    """Reads a camera file.

    Args:
        data: The file's bytes: JSON with `extrinsic.baseline` and `intrinsic.fx`.
        name: What to call it in errors.

    Returns:
        A `Camera`.

    Raises:
        ValueError: If the file is no such JSON, or a number is not positive.
    """
    try:
        content = json.loads(data)
        values = content["extrinsic"]["baseline"], content["intrinsic"]["fx"]
        baseline, focal_length = (float(value) for value in values)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: must be JSON with the numbers extrinsic.baseline and intrinsic.fx: {error!r}"
        ) from error
    if not all(math.isfinite(value) and value > 0 for value in (baseline, focal_length)):
        raise ValueError(
            f"{name}: extrinsic.baseline (metres) and intrinsic.fx (pixels) must be positive. "
            f"Received: {baseline}, {focal_length}"
        )
    return Camera(baseline, focal_length)


def depth_from_disparity(disparity, camera):
    """Depth along the optical axis.

    A stored value p > 0 is a disparity of (p - 1) / 256 pixels, and 0 is a hole.

    Args:
        disparity: uint16 array, as stored.
        camera: A `Camera`.

    Returns:
        uint16 array, 1 / 200 m, rounded. 0 where there is no disparity, where it is zero (p = 1:
        no parallax, infinitely far) and where depth is above 300 m.
    """
    steps = disparity.astype(np.float64) - 1  # p - 1 underflows in uint16
    parallax = steps > 0
    metres = np.zeros(disparity.shape)
    np.divide(camera.baseline * camera.focal_length * 256, steps, out=metres, where=parallax)
    metres[metres > MAX_DEPTH] = 0
    return np.rint(metres * UNITS_PER_METRE).astype(np.uint16)
