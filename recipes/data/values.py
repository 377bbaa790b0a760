"""From raw values to network values, and back.

| `encoding` | network value of the raw value v |
|---|---|
| `"linear"` | `(v * scale - mean) / std` |
| `"uint8"` | `v / 127.5 - 1` |
| `"log_depth"` | `2 * log(1 + v) / 11.1 - 1` |
| `"scaled"` | `2 * v / maximum - 1` |

The last three are in [-1, 1], where larger values are clipped and never wrapped; they are those of
Wang et al. (2020, arXiv 2011.05005) for the domains of Taskonomy. The papers' program rounds to 256
levels in between; here the values keep float32 precision. v is converted before 1 is added.

**Holes.** A pixel is a hole if all of its channels hold the spec's `invalid` value, or if one of
them is NaN or infinite. With the linear encoding a hole becomes 0 in all channels: the mean. The
other encodings leave it where they put the `invalid` value: Taskonomy's "no geometry", 65535,
stands at the far end, at 0.998, as in the papers, and an invalid normal (128, 128, 128) at 0.004.
Without `invalid` there are no holes.
"""

import numpy as np
import tensorflow as tf

_LOG_DEPTH = 11.1


def encoding_of(spec):
    """How the raw values of a spec become network values."""
    return spec.get("encoding") or "linear"


def normalize(image, spec):
    """Turns raw values into network values; see the module's docstring.

    Args:
        image: array `(..., channels)` of any numeric dtype and any (also dynamic) shape, as stored.
        spec: the image's spec, see `specs.check_specs`.

    Returns:
        float32 tensor of the same shape, with one more channel if `spec["validity"]`.
    """
    image = tf.convert_to_tensor(image)
    invalid = spec.get("invalid")
    if invalid is None:
        return _encode(tf.cast(image, "float32"), spec)
    invalid = _constant(invalid, image.dtype)
    hole = tf.reduce_all(tf.equal(image, invalid), -1, keepdims=True)
    if image.dtype.is_floating:
        hole |= tf.reduce_any(~tf.math.is_finite(image), -1, keepdims=True)
        image = tf.where(hole, invalid, image)
    values = _encode(tf.cast(image, "float32"), spec)
    if encoding_of(spec) == "linear":
        values = tf.where(hole, 0.0, values)
    if spec.get("validity"):
        values = tf.concat([values, tf.cast(~hole, "float32")], axis=-1)
    return values


def denormalize(values, spec, dtype):
    """Raw values of network values: the inverse of `normalize`, rounded to an integer dtype.

    Args:
        values: float array `(..., channels)` of network values.
        spec: the image's spec.
        dtype: Name of the dtype of the stored images, such as `"uint16"`.

    Returns:
        Array of `dtype`; what lies outside of its range is clipped.
    """
    values = np.asarray(values, "float64")
    encoding = encoding_of(spec)
    if encoding == "uint8":
        raw = (values + 1) * 127.5
    elif encoding == "log_depth":
        raw = np.expm1((values + 1) / 2 * _LOG_DEPTH)
    elif encoding == "scaled":
        raw = (values + 1) / 2 * spec["maximum"]
    else:
        scale, mean, std = linear_of(spec)
        raw = (values * std + mean) / scale
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        raw = np.clip(np.rint(raw), limits.min, limits.max)
    return raw.astype(dtype)


def _constant(values, dtype):
    """A constant of a dtype; 0.0 and (0.0,) are whole numbers, too."""
    values = np.asarray(values)
    if dtype.is_integer and np.equal(values, np.rint(values)).all():
        values = values.astype("int64")
    return tf.constant(values.tolist(), dtype)


def linear_of(spec):
    """Scale, mean and standard deviation, one number for each channel."""
    return (
        np.broadcast_to(
            np.asarray(default if spec.get(key) is None else spec[key], "float64"),
            (spec["channels"],),
        )
        for key, default in (("scale", 1.0), ("mean", 0.0), ("std", 1.0))
    )


def _encode(values, spec):
    encoding = encoding_of(spec)
    if encoding == "uint8":
        return values / 127.5 - 1.0
    if encoding == "log_depth":
        share = tf.math.log1p(tf.maximum(values, 0.0)) / _LOG_DEPTH
        return 2.0 * tf.clip_by_value(share, 0.0, 1.0) - 1.0
    if encoding == "scaled":
        share = values / float(spec["maximum"])
        return 2.0 * tf.clip_by_value(share, 0.0, 1.0) - 1.0
    scale, mean, std = linear_of(spec)
    factor, offset = (scale / std).astype("float32"), (mean / std).astype("float32")
    if (factor == 1).all() and (offset == 0).all():
        return values
    # Broadcasting three numbers takes three times as long as rows of an image.
    width = tf.shape(values)[-2]
    rows = tf.reshape(values, (-1, width * values.shape[-1]))
    rows = rows * tf.tile(factor, [width]) - tf.tile(offset, [width])
    return tf.ensure_shape(tf.reshape(rows, tf.shape(values)), values.shape)
