"""The array functions of the pipelines in TensorFlow, for `tf.data` and exported graphs.

`numpy_ops` holds the same functions and says what they do; tests compare them.
"""

import tensorflow as tf

arange = tf.range
asarray = tf.convert_to_tensor
cast = tf.cast
clip = tf.clip_by_value
concatenate = tf.concat
equal = tf.equal
isfinite = tf.math.is_finite
log1p = tf.math.log1p
maximum = tf.maximum
minimum = tf.minimum
round = tf.round
take = tf.gather
where = tf.where
zeros_like = tf.zeros_like
as_string = tf.strings.as_string

_KERNELS = {"bilinear": "triangle", "bicubic": "keyscubic"}


def constant(value, like):
    return tf.constant(value, like.dtype)


def is_floating(x):
    return x.dtype.is_floating


def is_integer(x):
    return x.dtype.is_integer


def limits(image):
    return float(image.dtype.min), float(image.dtype.max)


def all(x, axis=None):
    return tf.reduce_all(x, axis, keepdims=axis is not None)


def any(x, axis=None):
    return tf.reduce_any(x, axis, keepdims=axis is not None)


def count(x):
    return tf.math.count_nonzero(x)


def distinct(x, chosen):
    return tf.unique(tf.boolean_mask(x, chosen)).y


def extent(image):
    return tf.shape(image)[:2]


def static_size(image, size, channels):
    return tf.ensure_shape(image, (*size, channels))


def pad(image, before, after, value):
    paddings = tf.concat([tf.stack([before, after], axis=1), [[0, 0]]], axis=0)
    return tf.pad(image, paddings, constant_values=tf.cast(value, image.dtype))


def mirror(image, mirrored):
    return tf.cond(mirrored, lambda: image[:, ::-1], lambda: image)


def scale_and_translate(image, size, scale, translation, interpolation, antialias):
    return tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=size,
        scale=scale,
        translation=translation,
        kernel_type=_KERNELS[interpolation],
        antialias=antialias,
    )[0]


def require(condition, name, message, *values):
    """An operation that fails with "Example `name`: message value and value"."""
    shown = tf.strings.join([tf.strings.format("{}", value) for value in values], separator=" and ")
    text = tf.strings.join(["Example `", name, "`: ", message, " ", shown])
    return tf.debugging.Assert(condition, [text])


def after(checks, images):
    # Without the dependency a later operation may fail first, with a message that helps nobody.
    with tf.control_dependencies(checks):
        return {name: tf.identity(image) for name, image in images.items()}
