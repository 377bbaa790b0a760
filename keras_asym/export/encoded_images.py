"""PNG and JPEG files in the graph; what is wrong with one is said before it is decoded."""

import tensorflow as tf

from keras_asym.export.image_checks import request_check, require, size_checks
from keras_asym.export.orientation import upright

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PNG_HEADER = 33  # bytes up to the end of the first chunk
# Channels of a PNG by its type of colour: grey, -, RGB, palette, grey and alpha, -, RGBA.
_PNG_CHANNELS = (1, 0, 3, 3, 2, 0, 4)
_PALETTE = 3


def can_be_decoded(channels, dtype):
    """Whether images of this kind are stored in PNG files as they are."""
    return dtype in ("uint8", "uint16") and channels in (1, 3, 4)


def decode_images(name, files, channels, dtype, max_pixels, max_request_pixels):
    """Decodes files of one size; 16-bit PNGs exactly.

    Args:
        name: Modality name, for the messages.
        files: String tensor `(batch,)`: PNG, or also JPEG where `dtype` is uint8.
        channels: Number of channels that the files must have.
        dtype: `"uint8"` or `"uint16"`; PNGs must have as many bits.
        max_pixels: Largest height times width. Larger images are not decoded.
        max_request_pixels: Largest sum of it over the files. If it is larger, none is decoded.

    Returns:
        Tensor `(batch, height, width, channels)`.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if a file is not as it must be, or
            has an EXIF orientation, which would not be applied.
    """
    shape = tf.shape(tf.raw_ops.PlaceholderWithDefault(input=files, shape=None))
    one_axis = require(
        (tf.size(shape) == 1) & tf.reduce_all(shape > 0),
        f"`{name}` must be a list of at least one encoded image. Received: shape",
        shape,
    )
    with tf.control_dependencies([one_axis]):
        files = tf.identity(files)
    files = _known_formats(name, files, dtype)
    headers = _headers(name, files, dtype)
    height, width, found, bits = tf.unstack(headers, axis=1)
    wanted = 8 if dtype == "uint8" else 16
    checks = [
        require(
            tf.reduce_all((found == channels) & (bits == wanted)),
            f"`{name}` must hold images of {channels} channels of {wanted} bits. Received: "
            "channels and bits of each",
            tf.stack([found, bits], axis=1),
        ),
        *size_checks(name, height, width, max_pixels),
        request_check(
            name,
            tf.reduce_sum(tf.cast(height, "int64") * tf.cast(width, "int64")),
            tf.stack([tf.size(files), height[0], width[0]]),
            max_request_pixels,
        ),
        require(
            tf.reduce_all(headers[:, :2] == headers[:1, :2]),
            f"`{name}` must hold images of one size: send others in a request of their own. "
            "Received: height and width of each",
            headers[:, :2],
        ),
    ]
    with tf.control_dependencies(checks):
        files = tf.identity(files)

    def decode(data):
        # An operation's name is in its message.
        if dtype == "uint16":
            return tf.io.decode_png(data, channels, tf.uint16, name=f"decode_{name}")
        return tf.io.decode_image(data, channels, name=f"decode_{name}", expand_animations=False)

    return tf.map_fn(
        decode, files, fn_output_signature=tf.TensorSpec((None, None, channels), dtype)
    )


def _known_formats(name, files, dtype):
    """The files behind checks that they are PNG or JPEG files and stand upright."""
    is_png = (tf.strings.substr(files, 0, len(_PNG)) == _PNG) & (
        tf.strings.length(files) >= _PNG_HEADER
    )
    is_jpeg = tf.strings.substr(files, 0, len(_JPEG)) == _JPEG
    known = is_png | is_jpeg if dtype == "uint8" else is_png
    formats = "PNG or JPEG" if dtype == "uint8" else "PNG"
    check = require(
        tf.reduce_all(known),
        f"`{name}` must hold {formats} files. Received: others at the positions",
        tf.where(~known)[:, 0],
    )
    with tf.control_dependencies([check]):
        return upright(name, tf.identity(files), is_png)


def _headers(name, files, dtype):
    """int32 `(batch, 4)`: height, width, channels and bits, without decoding."""

    def png(data):
        width, height = tf.unstack(_integers(data, 16, 2, tf.int32))
        bits, kind = tf.unstack(tf.cast(_integers(data, 24, 2, tf.uint8), "int32"))
        channels = tf.gather(_PNG_CHANNELS, tf.minimum(kind, len(_PNG_CHANNELS) - 1))
        bits = tf.where(kind == _PALETTE, 8, bits)  # of the colours
        return tf.stack([height, width, channels, bits])

    def jpeg(data):
        shape = tf.image.extract_jpeg_shape(data, name=f"decode_{name}")
        return tf.concat([shape, [8]], axis=0)

    def header(data):
        if dtype == "uint16":
            return png(data)
        is_png = tf.strings.substr(data, 0, len(_PNG)) == _PNG
        return tf.cond(is_png, lambda: png(data), lambda: jpeg(data))

    return tf.map_fn(header, files, fn_output_signature=tf.TensorSpec((4,), "int32"))


def _integers(data, position, count, dtype):
    taken = tf.strings.substr(data, position, count * dtype.size)
    return tf.ensure_shape(tf.io.decode_raw(taken, dtype, little_endian=False), (count,))
