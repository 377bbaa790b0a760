"""One crop, mirror and resizing for all images of an example.

A `Geometry` is drawn once and applied to each image, so that a pixel keeps its label, its depth and
its counterparts in the other domains.

**Crop first.** Scaling an image by s and cutting a crop out of it is done the other way round:
a window of size / s stored pixels is cut out and resized to the size of the crop. No pixel outside
of the crop is computed. The window is a whole number of pixels, so that the scale that acts is
size / round(size / s), and no interpolation looks beyond it.
"""

import typing

import numpy as np
import tensorflow as tf


class Geometry(typing.NamedTuple):
    """Where the pixels of a result come from.

    Attributes:
        offset: top and left of the window in the stored image, int32 `(2,)`.
        window: its height and width, int32 `(2,)`.
        mirrored: whether left and right are exchanged, boolean.
        size: height and width that the window is resized to, int32 `(2,)`, or None: as it is.
    """

    offset: typing.Any
    window: typing.Any
    mirrored: typing.Any
    size: typing.Any


def random_geometry(extent, scaled, size, mirror, uniforms):
    """A random crop of at most `size` pixels, mirrored with probability `mirror`.

    Args:
        extent: height and width of the stored images, int32 `(2,)`.
        scaled: height and width of the whole image after resizing, int32 `(2,)`, or None.
        size: largest height and width of the crop. A smaller image stays smaller.
        mirror: probability in 0..1.
        uniforms: three random numbers in [0, 1): row, column, mirror.
    """
    size = tf.minimum(extent if scaled is None else scaled, np.array(size, "int32"))
    window = size
    if scaled is not None:
        share = tf.cast(size, "float32") / tf.cast(scaled, "float32")
        window = tf.cast(tf.round(tf.cast(extent, "float32") * share), "int32")
        window = tf.maximum(window, 1)
    slack = extent - window
    offset = tf.cast(uniforms[:2] * tf.cast(slack + 1, "float32"), "int32")
    offset = tf.minimum(offset, slack)
    return Geometry(offset, window, uniforms[2] < mirror, None if scaled is None else size)


def extent_of(image):
    """Height and width of an image, int32 `(2,)`."""
    return tf.shape(image)[:2]


def whole_image(extent, size):
    """No crop and no mirror: the image as it is, or resized to `size`."""
    return Geometry(tf.zeros_like(extent), extent, False, size)


def transform(image, geometry, interpolation, antialias=False):
    """Applies a geometry to `(height, width, channels)`, with half-pixel centres.

    The nearest interpolation keeps the dtype and makes no new value. The others return float32;
    bicubic overshoot beyond the range of an integer dtype is cut off.

    Args:
        image: array `(height, width, channels)`.
        geometry: `Geometry`.
        interpolation: `"nearest"`, `"bilinear"` or `"bicubic"`.
        antialias: whether the other interpolations average where an image becomes smaller.
    """
    (top, left), (height, width) = _pair(geometry.offset), _pair(geometry.window)
    if geometry.size is not None and interpolation == "nearest":
        rows = top + _nearest(height, geometry.size[0])
        columns = left + _nearest(width, geometry.size[1])
        if geometry.mirrored is not False:
            columns = _mirror(columns, 0, geometry.mirrored)
        return tf.gather(tf.gather(image, rows, axis=0), columns, axis=1)
    window = image[top : top + height, left : left + width]
    if geometry.mirrored is not False:
        window = _mirror(window, 1, geometry.mirrored)
    if geometry.size is None:
        return window
    result = tf.image.resize(window, geometry.size, interpolation, antialias=antialias)
    if interpolation == "bicubic" and image.dtype.is_integer:
        result = tf.clip_by_value(result, float(image.dtype.min), float(image.dtype.max))
    return result


def negate_mirrored(image, channels, geometry):
    """Negates the channels of a mirror image whose values are directions along the width.

    The x component of a surface normal is true in a mirror image only with the other sign.
    """
    if not channels or geometry.mirrored is False:
        return image
    signs = np.ones(image.shape[-1], "float32")
    signs[list(channels)] = -1
    return tf.where(geometry.mirrored, image * signs, image)


def pad_to(image, size, value, centred=True):
    """Pads `(height, width, channels)` with `value` to `size`; the result has a static shape.

    Args:
        image: array at most `size` large.
        size: `(height, width)` in pixels.
        value: 0 for normalized images (the mean), void for a mask.
        centred: if `True` the image stays in the middle, otherwise at the top left.
    """
    missing = np.array(size, "int32") - extent_of(image)
    before = missing // 2 if centred else missing * 0
    paddings = tf.concat([tf.stack([before, missing - before], axis=1), [[0, 0]]], axis=0)
    padded = tf.pad(image, paddings, constant_values=tf.cast(value, image.dtype))
    return tf.ensure_shape(padded, (*size, image.shape[-1]))


def _mirror(x, axis, mirrored):
    # Not x[::-1], which takes thirty times as long for an image.
    return tf.cond(mirrored, lambda: tf.reverse(x, [axis]), lambda: x)


def _pair(values):
    return values[0], values[1]


def _nearest(old, new):
    """For each of `new` pixels, the index of the nearest one of `old`."""
    step = tf.cast(old, "float32") / tf.cast(new, "float32")
    index = tf.cast((tf.cast(tf.range(new), "float32") + 0.5) * step, "int32")
    return tf.minimum(index, old - 1)
