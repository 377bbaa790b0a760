"""Decoding one image without any silent conversion."""

import io
import warnings

import numpy as np
import PIL.Image

from tfds_builders.reading.check_image import check_image
from tfds_builders.reading.file_kind import foreign_kind
from tfds_builders.reading.geotiff import has_bands, read_bands
from tfds_builders.reading.limits import check_image_bytes
from tfds_builders.reading.orientation import exif_orientation, turn_upright
from tfds_builders.reading.pixel_format import check_pixel_format

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_PNG_CHANNELS = {2: 3, 4: 2, 6: 4}


def _png_bits_and_color(data):
    """Bit depth and colour type of a PNG's header, or (None, None)."""
    if data[:8] != _PNG_SIGNATURE or len(data) < 26:
        return None, None
    return data[24], data[25]


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
    if has_bands(data):
        return read_bands(data)
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

    TIFF with several bands, or with signed values, is read where tifffile is installed. What could
    not be decoded with exactly the values of the file is refused, with the fix: grey with 1, 2 or 4
    bits, CMYK, several pictures in one file, ...

    Args:
        data: The file's bytes.
        name: What to call it in errors: path of the file, or of archive and member.
        is_label: Whether it is a mask of class indices, which must be in a lossless format. A
            palette image ("P" mode) is read as its indices, and only as a label.

    Returns:
        `(height, width, channels)` array, uint8, uint16, int16, or float32, where NaN and infinity
        may stand for holes. Labels are uint8 with 1 channel.

    Raises:
        ValueError: If the image is truncated, none, too large (`MAX_IMAGE_BYTES`) or of another
            type.
    """
    try:
        image = _decode(data, is_label)
    except Exception as error:  # decoders raise errors of many kinds for a damaged file
        raise ValueError(f"{name}: cannot be read: {error}") from error
    return check_image(image, name, is_label)
