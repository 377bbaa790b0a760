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


def mirror(x, axis, mirrored):
    # Not x[::-1], which takes thirty times as long for an image.
    return tf.cond(mirrored, lambda: tf.reverse(x, [axis]), lambda: x)


def resize(image, size, interpolation, antialias):
    return tf.image.resize(image, size, interpolation, antialias=antialias)


def scale_channels(x, factor, offset):
    # Broadcasting three numbers takes three times as long as rows of an image.
    width = tf.shape(x)[-2]
    rows = tf.reshape(x, (-1, width * x.shape[-1]))
    rows = rows * tf.tile(factor, [width]) - tf.tile(offset, [width])
    return tf.ensure_shape(tf.reshape(rows, tf.shape(x)), x.shape)


def enforce(checks, name, images):
    fine = tf.reduce_all(tf.stack([condition for condition, _, _ in checks]))

    def fail():
        failures = []
        for condition, message, values in checks:
            shown = [tf.strings.format("{}", value) for value in values()]
            shown = tf.strings.join(shown, separator=" and ")
            text = tf.strings.join(["Example `", name, "`: ", message, " ", shown])
            failures.append(tf.debugging.Assert(condition, [text]))
        with tf.control_dependencies(failures):
            return tf.identity(fine)

    # Nothing is put into words unless a check fails.
    checked = tf.cond(fine, lambda: fine, fail)
    # Without the dependency a later operation may fail first, with a message that helps nobody.
    with tf.control_dependencies([checked]):
        return {name: tf.identity(image) for name, image in images.items()}
