"""From raw values to network values, and back; see `keras_asym.layers.SensorConverter`."""

import numpy as np

from keras_asym.layers import SensorConverter
from keras_asym.layers.sensor_converter import LOG_DEPTH, linear_of

_OF_A_CONVERTER = ("channels", "encoding", "scale", "mean", "std", "maximum", "invalid", "validity")


def encoding_of(spec):
    """How the raw values of a spec become network values."""
    return spec.get("encoding") or "linear"


def converter_of(spec, raw_dtype=None):
    """The layer that turns raw values into network values.

    Args:
        spec: The image's spec, see `specs.check_specs`.
        raw_dtype: See `SensorConverter`.
    """
    arguments = {key: spec[key] for key in _OF_A_CONVERTER if spec.get(key) is not None}
    return SensorConverter(raw_dtype=raw_dtype, **arguments)


def normalize(image, spec):
    """Turns raw values into network values, also in a `tf.data` pipeline.

    Args:
        image: Array `(..., channels)` of any numeric dtype, as stored.
        spec: The image's spec, see `specs.check_specs`.

    Returns:
        float32 tensor of the same shape, with one more channel if `spec["validity"]`.
    """
    return converter_of(spec).convert(image)


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
        raw = np.expm1((values + 1) / 2 * LOG_DEPTH)
    elif encoding == "scaled":
        raw = (values + 1) / 2 * spec["maximum"]
    else:
        scale, mean, std = linear_of(spec)
        raw = (values * std + mean) / scale
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        raw = np.clip(np.rint(raw), limits.min, limits.max)
    return raw.astype(dtype)
