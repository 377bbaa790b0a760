"""Decoding one image without any silent conversion."""

import io
import math
import warnings

import numpy as np
import PIL.Image

from tfds_builders.reading.check_image import check_image
from tfds_builders.reading.file_kind import foreign_kind
from tfds_builders.reading.orientation import exif_orientation, turn_upright
from tfds_builders.reading.pixel_format import check_pixel_format

MAX_IMAGE_BYTES = 2**29
"""How many bytes an image may have once it is decoded: 178 million pixels of 8-bit RGB. A file of
472 kB can hold 1.3 GB."""

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_PNG_CHANNELS = {2: 3, 4: 2, 6: 4}


def _png_bits_and_color(data):
    """Bit depth and colour type of a PNG's header, or (None, None)."""
    if data[:8] != _PNG_SIGNATURE or len(data) < 26:
        return None, None
    return data[24], data[25]


def check_image_bytes(shape, bytes_per_value):
    """Raises a `ValueError` if an image would be larger than `MAX_IMAGE_BYTES`.

    Args:
        shape: Its shape.
        bytes_per_value: 2 for uint16.
    """
    if math.prod(shape) * bytes_per_value > MAX_IMAGE_BYTES:
        listed = "x".join(map(str, shape))
        raise ValueError(
            f"an image may have {MAX_IMAGE_BYTES} bytes (`MAX_IMAGE_BYTES`) once decoded. "
            f"Received: {listed} (height x width x channels) of {bytes_per_value} bytes. Cut it "
            "into tiles"
        )


def _open(data):
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 million pixels on; our own limit follows.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            return PIL.Image.open(io.BytesIO(data), formats=_FORMATS)
    except PIL.UnidentifiedImageError:
        raise ValueError(foreign_kind(data)) from None
    except PIL.Image.DecompressionBombError as error:
        raise ValueError(f"the image is too large: {error} Cut it into tiles") from None


def _decode(data, is_label):
    bits, color = _png_bits_and_color(data)
    with _open(data) as image:
        check_pixel_format(image, bits if color == _GREY else None, is_label)
        is_wide_png = bits == 16 and color != _GREY
        channels = _PNG_CHANNELS[color] if is_wide_png else len(image.getbands())
        size = 4 if image.mode == "F" else 2 if bits == 16 or image.mode[0] == "I" else 1
        check_image_bytes((image.height, image.width, channels), size)
        if is_wide_png:
            # Pillow would keep the high bytes only.
            import tensorflow as tf

            array = tf.io.decode_png(data, dtype=tf.uint16).numpy()
        else:
            image.load()
            array = np.array(image)
            if image.mode[0] == "I":
                array = array.astype(np.uint16)
        return turn_upright(array, exif_orientation(image))


def decode_image(data, name, is_label=False):
    """Decodes PNG, JPEG, TIFF, BMP, GIF, WebP, PGM, PPM and PFM, upright as EXIF says.

    What could not be decoded with exactly the values of the file is refused, with the fix: 16-bit
    TIFF with several channels, grey with 1, 2 or 4 bits, CMYK, several pictures in one file, ...

    Args:
        data: The file's bytes.
        name: What to call it in errors: path of the file, or of archive and member.
        is_label: Whether it is a mask of class indices, which must be in a lossless format. A
            palette image ("P" mode) is read as its indices, and only as a label.

    Returns:
        `(height, width, channels)` array, uint8 or uint16 with 1, 3 or 4 channels, or float32 with
        1 channel, where NaN and infinity may stand for holes. Labels are uint8 with 1 channel.

    Raises:
        ValueError: If the image is truncated, none, too large (`MAX_IMAGE_BYTES`) or of another
            type.
    """
    try:
        image = _decode(data, is_label)
    except Exception as error:  # decoders raise errors of many kinds for a damaged file
        raise ValueError(f"{name}: cannot be read: {error}") from error
    return check_image(image, name, is_label)
