import math

import keras
import numpy as np

from keras_asym.keras_internals import pipeline_backend

ENCODINGS = ("linear", "uint8", "log_depth", "scaled")
"""How raw values become network values."""
LINEAR = ("scale", "mean", "std")
"""What only the linear encoding reads."""
LOG_DEPTH = 11.1
"""Logarithm that becomes 1 with the encoding `log_depth`."""
_SMALL_INTEGERS = ("int8", "uint8", "int16", "uint16")


@keras.saving.register_keras_serializable(package="keras_asym")
class SensorConverter(keras.layers.Layer):
    """Turns what a sensor stores into what a network is trained on.

    | `encoding` | network value of the raw value v |
    |---|---|
    | `"linear"` | `(v * scale - mean) / std` |
    | `"uint8"` | `v / 127.5 - 1` |
    | `"log_depth"` | `2 * log(1 + v) / 11.1 - 1` |
    | `"scaled"` | `2 * v / maximum - 1` |

    The last three are in [-1, 1], where larger values are clipped and never wrapped; they are those
    of CEN ([arXiv 2011.05005](https://arxiv.org/abs/2011.05005)) for the domains of Taskonomy,
    without its rounding to 256 levels. v is converted to float32 before anything is computed.

    A pixel is a hole if all of its channels hold `invalid`, or if one of them is NaN or infinite.
    With the linear encoding a hole becomes 0 in all channels: the mean. The other encodings leave
    it where they put the `invalid` value. Without `invalid` there are no holes.

    Args:
        channels: Number of channels of the raw image.
        raw_dtype: Dtype of the raw image, such as `"uint16"`; images of another kind (integers
            instead of floats, 8 bits instead of 16) are refused. `None` takes any.
        encoding: One of those above.
        scale: linear: `v * scale` has the physical unit, 0.001 for millimetres to metres; one
            number, or one for each channel. 1 by default.
        mean, std: linear: in the physical unit, as `scale`. 0 and 1 by default.
        maximum: scaled: raw value that becomes 1.
        invalid: Raw value that means "not measured", as `scale`; 0 in most depth images. `None` for
            a sensor without holes.
        validity: Whether a last channel is added: 1 = measured, 0 = hole. Needs `invalid`.

    Input shape:
        `(..., channels)`, of any numeric dtype.

    Output shape:
        The same in float32, with one channel more for `validity`.

    Raises:
        ValueError: If an argument is not one of those above, or is not read by the encoding; if
            the image has other channels or another dtype.

    Example:

    >>> depth = keras_asym.layers.SensorConverter(
    ...     1, "uint16", scale=0.001, mean=2.0, std=1.0, invalid=0)
    >>> np.array(depth(np.array([[[[3000], [0]]]], "uint16")))[0, 0, :, 0].round(3) == [1, 0]
    array([ True,  True])
    """

    def __init__(
        self,
        channels,
        raw_dtype=None,
        encoding="linear",
        scale=None,
        mean=None,
        std=None,
        maximum=None,
        invalid=None,
        validity=False,
        **kwargs,
    ):
        kwargs.setdefault("dtype", "float32")  # of depth in millimetres nothing less is enough
        super().__init__(**kwargs)
        self.autocast = False
        self.channels = channels
        self.raw_dtype = raw_dtype and keras.backend.standardize_dtype(raw_dtype)
        self.encoding = encoding or "linear"
        self.scale, self.mean, self.std = (_plain(x) for x in (scale, mean, std))
        self.maximum = maximum
        self.invalid = _plain(invalid)
        self.validity = bool(validity)
        check_conversion(self._conversion())
        self.built = True

    @property
    def output_channels(self):
        """Number of channels of what the network gets."""
        return self.channels + self.validity

    def call(self, inputs):
        return self.convert(inputs)

    def convert(self, image):
        """As the call, also in a `tf.data` pipeline, whatever backend Keras has."""
        backend = pipeline_backend()
        image = backend.convert_to_tensor(image)
        check_raw_image(self.name, image, self)
        if self.invalid is None:
            return self._encode(backend, backend.cast(image, "float32"))
        numpy = backend.numpy
        hole = self.holes(image)
        dtype = keras.backend.standardize_dtype(image.dtype)
        if "float" in dtype:  # what is NaN stays NaN in all that is computed of it
            invalid = backend.convert_to_tensor(_values(self.invalid, dtype), dtype)
            image = numpy.where(hole, invalid, image)
        values = self._encode(backend, backend.cast(image, "float32"))
        measured = backend.cast(numpy.logical_not(hole), "float32")
        if self.encoding == "linear" and not self._encodes_holes_as_zero():
            values = values * measured  # a selection takes runtimes for CPUs ten times as long
        return numpy.concatenate([values, measured], axis=-1) if self.validity else values

    def holes(self, image):
        """Boolean `(..., 1)`: where a raw image was not measured, also in a `tf.data` pipeline.

        Without `invalid` these are the pixels that are NaN or infinite, which the call leaves so.
        """
        backend = pipeline_backend()
        numpy, image = backend.numpy, backend.convert_to_tensor(image)
        dtype = keras.backend.standardize_dtype(image.dtype)
        hole = None
        if self.invalid is not None:
            marker = backend.convert_to_tensor(_values(self.invalid, dtype), dtype)
            # LiteRT compares no uint16, and quantizes what float32 is compared with.
            exact = "int32" if dtype in _SMALL_INTEGERS else dtype
            same = numpy.equal(backend.cast(image, exact), backend.cast(marker, exact))
            hole = numpy.all(same, axis=-1, keepdims=True)
        if "float" in dtype:
            broken = numpy.logical_not(numpy.isfinite(image))
            broken = numpy.any(broken, axis=-1, keepdims=True)
            hole = broken if hole is None else numpy.logical_or(hole, broken)
        return numpy.zeros_like(image[..., :1], dtype="bool") if hole is None else hole

    def _encode(self, backend, values):
        numpy = backend.numpy
        if self.encoding == "uint8":
            return values / 127.5 - 1.0
        if self.encoding == "log_depth":
            share = numpy.log1p(numpy.maximum(values, 0.0)) / LOG_DEPTH
            return 2.0 * numpy.clip(share, 0.0, 1.0) - 1.0
        if self.encoding == "scaled":
            return 2.0 * numpy.clip(values / float(self.maximum), 0.0, 1.0) - 1.0
        factor, offset = self._factor_and_offset()
        if (factor == 1).all() and (offset == 0).all():
            return values
        # Broadcasting three numbers takes three times as long as rows of an image.
        shape = backend.shape(values)
        width = shape[-2] if len(shape) > 1 else 1
        rows = numpy.reshape(values, (-1, width * self.channels))
        rows = rows * numpy.tile(factor, [width]) - numpy.tile(offset, [width])
        return numpy.reshape(rows, shape)

    def _factor_and_offset(self):
        """Of the linear encoding: a raw value times the first less the second."""
        scale, mean, std = linear_of(self._conversion())
        return (scale / std).astype("float32"), (mean / std).astype("float32")

    def _encodes_holes_as_zero(self):
        """Whether the linear encoding of the `invalid` value is exactly 0 in all channels."""
        factor, offset = self._factor_and_offset()
        return not (np.asarray(self.invalid, "float32") * factor - offset).any()

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_channels)

    def _conversion(self):
        return {
            "channels": self.channels,
            "encoding": self.encoding,
            "scale": self.scale,
            "mean": self.mean,
            "std": self.std,
            "maximum": self.maximum,
            "invalid": self.invalid,
            "validity": self.validity,
        }

    def get_config(self):
        return {**super().get_config(), **self._conversion(), "raw_dtype": self.raw_dtype}


def check_raw_image(name, image, converter):
    """Raises `ValueError` unless an image has the channels and the dtype of its converter."""
    dtype = keras.backend.standardize_dtype(image.dtype)
    if image.shape[-1] != converter.channels:
        raise ValueError(
            f"The raw image of '{name}' must have {converter.channels} channels on its last axis. "
            f"Received: shape={tuple(image.shape)}"
        )
    raw = converter.raw_dtype
    if raw and not _holds(dtype, raw):
        raise ValueError(
            f"The raw image of '{name}' must be {raw}, as the sensor stores it and as the network "
            f"was trained. Received: {dtype}. Give the values of the file, neither divided by 255 "
            f"nor in another unit; if they are the same, cast them to {raw}."
        )


def linear_of(spec):
    """Scale, mean and standard deviation of a conversion, one number for each channel."""
    return tuple(
        np.broadcast_to(
            np.asarray(default if spec.get(key) is None else spec[key], "float64"),
            (spec["channels"],),
        )
        for key, default in (("scale", 1.0), ("mean", 0.0), ("std", 1.0))
    )


def check_conversion(spec, where=None):
    """Raises `ValueError` where the arguments of a `SensorConverter` cannot be used.

    Args:
        spec: Dictionary of them; missing ones and `None` are the defaults.
        where: What holds them, such as `"modalities['depth']"`, for the error.
    """

    def named(key):
        return f"`{where}['{key}']`" if where else f"`{key}`"

    channels = spec.get("channels")
    if not isinstance(channels, int) or isinstance(channels, bool) or channels < 1:
        raise ValueError(
            f"{named('channels')} must be a positive integer. Received: channels={channels!r}"
        )
    encoding = spec.get("encoding") or "linear"
    if encoding not in ENCODINGS:
        raise ValueError(
            f"{named('encoding')} must be one of {ENCODINGS}. Received: encoding={encoding!r}"
        )
    unread = [key for key in LINEAR if spec.get(key) is not None and encoding != "linear"]
    unread += ["maximum"] if spec.get("maximum") is not None and encoding != "scaled" else []
    if unread:
        raise ValueError(
            f"{f'`{where}`' if where else 'The arguments'} must not have the keys {unread} with "
            f"encoding {encoding!r}, which does not read them. Received: {spec}"
        )
    if encoding == "scaled" and not (spec.get("maximum") or 0) > 0:
        raise ValueError(
            f"{named('maximum')} must be the positive raw value that becomes 1. "
            f"Received: maximum={spec.get('maximum')!r}"
        )
    for key in (*LINEAR, "invalid"):
        _check_numbers(named(key), key, spec.get(key), channels)
    if spec.get("validity") and spec.get("invalid") is None:
        raise ValueError(
            f"{named('invalid')} must say which raw value means 'not measured' (0 in most depth "
            "images) for a validity channel. Received: validity=True, invalid=None"
        )


def _check_numbers(name, key, values, channels):
    several = isinstance(values, tuple | list)
    if key != "scale" and several and len(values) not in (1, channels):
        raise ValueError(
            f"{name} must have one number for each of the {channels} channels. "
            f"Received: {key}={values}"
        )
    for value in values if several else (values,):
        if value is None:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        positive = key in ("scale", "std")
        if not number or not math.isfinite(value) or (positive and value <= 0):
            kind = "positive and finite" if positive else "finite"
            raise ValueError(f"{name} must be {kind}. Received: {key}={values}")


def _plain(values):
    """Numbers as JSON has them, also those of NumPy."""
    return np.asarray(values).tolist() if isinstance(values, np.ndarray | np.generic) else values


def _values(values, dtype):
    """Values in a dtype; 0.0 and (0.0,) are whole numbers, too."""
    values = np.asarray(values)
    if "int" in dtype and np.equal(values, np.rint(values)).all():
        limits = np.iinfo(dtype)
        if (values >= limits.min).all() and (values <= limits.max).all():
            return values.astype(dtype)
    if "int" in dtype:
        raise ValueError(
            f"`invalid` must be a value of the raw image, whose dtype is {dtype}. Received: "
            f"invalid={values.tolist()}"
        )
    return values.astype(dtype)


def _holds(dtype, raw):
    """Whether a dtype is of the same kind as the raw one and holds all of its values."""
    if "float" in dtype or "float" in raw:
        return "float" in dtype and "float" in raw
    if "int" not in dtype:
        return False
    own, needed = np.iinfo(dtype), np.iinfo(raw)
    return own.min <= needed.min and own.max >= needed.max
