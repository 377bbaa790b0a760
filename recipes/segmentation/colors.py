"""Colours for label maps and for modalities that are no photographs."""

import functools

import matplotlib
import numpy as np

from recipes.data.checks import VOID

HOLE_COLOR = (255, 255, 255)
"""Colour of unmeasured pixels."""


@functools.cache
def palette(num_classes):
    """Colours that are far apart, one for each class.

    The colour of a class does not depend on the number of classes. Each is the candidate farthest
    from all before it, and from black (void) and white (the page), in CIELAB.

    Returns:
        uint8 array `(num_classes, 3)`, not writable.
    """
    levels = np.linspace(0, 255, 12).round()
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lab = _lab(candidates)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    usable = (lab[:, 0] > 30) & (lab[:, 0] < 88) & (chroma > 12) & (chroma < 75)
    candidates, lab = candidates[usable], lab[usable]
    if num_classes > len(candidates):
        raise ValueError(
            f"`num_classes` must be at most {len(candidates)}. Received: num_classes={num_classes}"
        )
    taken = _lab(np.array([[0, 0, 0], [255, 255, 255]]))
    distance = np.linalg.norm(lab[:, None] - taken[None], axis=-1).min(1)
    chosen = []
    for _ in range(num_classes):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(lab - lab[chosen[-1]], axis=-1))
    colors = candidates[chosen].astype("uint8")
    colors.setflags(write=False)
    return colors


def colorize(label_map, num_classes):
    """Colours `(height, width)` class ids; void is black. Returns uint8 `(height, width, 3)`."""
    label_map = np.asarray(label_map)
    wrong = (label_map != VOID) & ((label_map < 0) | (label_map >= num_classes))
    if wrong.any():
        raise ValueError(
            f"`label_map` must hold 0..{num_classes - 1} or {VOID} (void). "
            f"Received: {np.unique(label_map[wrong])}"
        )
    table = np.zeros((VOID + 1, 3), "uint8")
    table[:num_classes] = palette(num_classes)
    table[VOID] = 0
    return table[label_map.astype("uint8")]


def class_legend(names):
    """`{class name: (red, green, blue)}` of the classes, and void."""
    colors = palette(len(names))
    legend = {name: tuple(map(int, color)) for name, color in zip(names, colors, strict=True)}
    return {**legend, "void": (0, 0, 0)}


def overlay(rgb, label_map, num_classes, alpha=0.5):
    """Lays the colours of a label map over a photograph; void pixels show the photograph.

    Args:
        rgb: uint8 `(height, width, 3)`.
        label_map: integer `(height, width)`.
        num_classes: number of classes.
        alpha: share of the label's colour, in 0..1.

    Returns:
        uint8 `(height, width, 3)`.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be in 0..1. Received: alpha={alpha}")
    share = alpha * (np.asarray(label_map) != VOID)[..., None]
    colors = colorize(label_map, num_classes)
    return np.rint(share * colors + (1 - share) * rgb).astype("uint8")


def colorize_depth(depth, invalid=0, limits=None):
    """Colours a depth image, near to far as dark to light, holes in white.

    Args:
        depth: `(height, width)` or `(height, width, 1)` in any unit.
        invalid: value of unmeasured pixels; NaN and Inf are holes as well.
        limits: `(nearest, farthest)` of the colour map; by default the image's 1st and 99th
            percentile.

    Returns:
        uint8 `(height, width, 3)`.
    """
    depth = np.asarray(depth, "float32")
    depth = depth[..., 0] if depth.ndim == 3 else depth
    holes = ~np.isfinite(depth) | (depth == invalid)
    if limits is None:
        limits = (0, 1) if holes.all() else np.percentile(depth[~holes], (1, 99))
    near, far = limits
    relative = np.where(holes, 0, (np.where(holes, near, depth) - near) / max(far - near, 1e-12))
    colors = matplotlib.colormaps["viridis"](np.clip(relative, 0, 1), bytes=True)[..., :3].copy()
    colors[holes] = HOLE_COLOR
    return colors


def displayable(image, spec):
    """Turns a modality's raw image into a picture.

    Args:
        image: `(height, width, channels)` as stored.
        spec: the modality's spec, see `recipes.data.specs.check_specs`.

    Returns:
        uint8 `(height, width, 3)`: uint8 images of three channels as they are, one channel through
        `colorize_depth`, otherwise the first three channels, each stretched to its range.
    """
    image = np.asarray(image)
    if image.shape[-1] == 1:
        invalid = spec.get("invalid")
        return colorize_depth(image, 0 if invalid is None else invalid)
    if image.dtype == np.uint8 and image.shape[-1] == 3:
        return image
    values = np.nan_to_num(image[..., :3].astype("float32"))
    values = np.pad(values, ((0, 0), (0, 0), (0, 3 - values.shape[-1])))
    low, high = values.min((0, 1)), values.max((0, 1))
    return np.rint(255 * (values - low) / np.maximum(high - low, 1e-12)).astype("uint8")


def _lab(rgb):
    """CIELAB (D65) of sRGB values 0..255, `(..., 3)`."""
    linear = np.asarray(rgb) / 255
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(matrix).T / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)
