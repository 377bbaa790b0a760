"""One resizing, crop and mirror for all images of an example.

A `Geometry` is drawn once and applied to each image, so that a pixel keeps its label, its depth and
its counterparts in the other domains. Only the pixels of the crop are computed.
"""

import typing

import numpy as np


class Geometry(typing.NamedTuple):
    """Where the pixels of a result come from.

    Attributes:
        scaled: height and width of the whole image after resizing, int32 `(2,)`, or None: as it is.
        offset: top and left of the crop in it, int32 `(2,)`.
        window: height and width of the crop, int32 `(2,)`.
        mirrored: whether left and right of the crop are exchanged, boolean.
    """

    scaled: typing.Any
    offset: typing.Any
    window: typing.Any
    mirrored: typing.Any


def random_geometry(extent, scaled, size, mirror, uniforms, ops):
    """A random crop of at most `size` pixels, mirrored with probability `mirror`.

    Args:
        extent: height and width of the stored images, int32 `(2,)`.
        scaled: height and width to resize to before the crop, int32 `(2,)`, or None.
        size: largest height and width of the crop. A smaller image stays smaller.
        mirror: probability in 0..1.
        uniforms: three random numbers in [0, 1): row, column, mirror.
        ops: module of array functions.
    """
    available = extent if scaled is None else scaled
    window = ops.minimum(available, np.array(size, "int32"))
    slack = available - window
    offset = ops.cast(uniforms[:2] * ops.cast(slack + 1, "float32"), "int32")
    return Geometry(scaled, ops.minimum(offset, slack), window, uniforms[2] < mirror)


def whole_image(extent, scaled, ops):
    """No crop and no mirror: the image as it is, or resized to `scaled`."""
    window = extent if scaled is None else scaled
    return Geometry(scaled, ops.zeros_like(window), window, False)


def transform(image, geometry, interpolation, ops, antialias=False):
    """Applies a geometry to `(height, width, channels)`, with half-pixel centres.

    The nearest interpolation keeps the dtype and makes no new value. The others return float32;
    bicubic overshoot beyond the range of an integer dtype is cut off.

    Args:
        image: array `(height, width, channels)`.
        geometry: `Geometry`.
        interpolation: `"nearest"`, `"bilinear"` or `"bicubic"`.
        ops: module of array functions.
        antialias: whether the other interpolations average where an image becomes smaller.
    """
    if geometry.scaled is None:
        (top, left), (height, width) = _pair(geometry.offset), _pair(geometry.window)
        result = image[top : top + height, left : left + width]
    elif interpolation == "nearest":
        rows, columns = (_nearest(ops.extent(image), geometry, axis, ops) for axis in (0, 1))
        result = ops.take(ops.take(image, rows, axis=0), columns, axis=1)
    else:
        scale = ops.cast(geometry.scaled, "float32") / ops.cast(ops.extent(image), "float32")
        translation = -ops.cast(geometry.offset, "float32")
        result = ops.scale_and_translate(
            image, geometry.window, scale, translation, interpolation, antialias
        )
        if interpolation == "bicubic" and ops.is_integer(image):
            result = ops.clip(result, *ops.limits(image))
    return result if geometry.mirrored is False else ops.mirror(result, geometry.mirrored)


def negate_mirrored(image, channels, geometry, ops):
    """Negates the channels of a mirror image whose values are directions along the width.

    The x component of a surface normal is true in a mirror image only with the other sign.
    """
    if not channels or geometry.mirrored is False:
        return image
    signs = np.ones(image.shape[-1], "float32")
    signs[list(channels)] = -1
    return ops.where(geometry.mirrored, image * signs, image)


def pad_to(image, size, value, ops, centred=True):
    """Pads `(height, width, channels)` with `value` to `size`; the result has a static shape.

    Args:
        image: array at most `size` large.
        size: `(height, width)` in pixels.
        value: 0 for normalized images (the mean), void for a mask.
        ops: module of array functions.
        centred: if `True` the image stays in the middle, otherwise at the top left.
    """
    missing = np.array(size, "int32") - ops.extent(image)
    before = missing // 2 if centred else missing * 0
    padded = ops.pad(image, before, missing - before, value)
    return ops.static_size(padded, size, image.shape[-1])


def _pair(values):
    return values[0], values[1]


def _nearest(extent, geometry, axis, ops):
    """Indices of the nearest pixels of the stored image along an axis."""
    step = ops.cast(extent[axis], "float32") / ops.cast(geometry.scaled[axis], "float32")
    position = ops.cast(ops.arange(geometry.window[axis]) + geometry.offset[axis], "float32")
    index = ops.cast((position + 0.5) * step, "int32")
    return ops.minimum(index, extent[axis] - 1)
