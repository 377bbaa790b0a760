"""The EXIF orientation: how the sensor was held."""

import io

import numpy as np
import PIL.Image

from tfds_builders.reading.tiff_tags import tiff_tags

_ORIENTATION = 0x0112

# Of the stored array: whether rows and columns change places, then which axes are reversed.
_STEPS = {
    2: (False, (1,)),
    3: (False, (0, 1)),
    4: (False, (0,)),
    5: (True, ()),
    6: (True, (1,)),
    7: (True, (0, 1)),
    8: (True, (0,)),
}


def exif_orientation(image):
    """The orientation that a picture declares in EXIF or XMP.

    Args:
        image: A `PIL.Image.Image`. Pillow turns TIFF files upright itself when it loads them.

    Returns:
        2..8, or 1 for upright: also where nothing, or nonsense, is declared.
    """
    value = image.getexif().get(_ORIENTATION, 1)
    return value if value in _STEPS else 1


def encoded_orientation(data):
    """The orientation that an image file declares.

    Args:
        data: The file's bytes.

    Returns:
        As `exif_orientation`; 1 for what is no image, too.
    """
    tags = tiff_tags(data)
    if tags:  # also of bands, which Pillow does not open
        return tags.get(_ORIENTATION, 1) if tags.get(_ORIENTATION, 1) in _STEPS else 1
    if data.startswith(b"\x89PNG") and b"eXIf" not in data and b"tiff:Orientation" not in data:
        return 1  # Pillow would decode the whole picture to find none
    try:
        with PIL.Image.open(io.BytesIO(data)) as image:
            return exif_orientation(image)
    except Exception:  # whoever reads the image says what is wrong with it
        return 1


def turn_upright(image, orientation):
    """Turns a picture as its orientation says.

    Args:
        image: `(height, width, ...)` array.
        orientation: 1..8.

    Returns:
        An array of the same values, `(width, height, ...)` for 5..8.
    """
    transposed, reversed_axes = _STEPS.get(orientation, (False, ()))
    if transposed:
        image = image.swapaxes(0, 1)
    return np.flip(image, reversed_axes)
