"""What the header of a TIFF says, whatever its pixels are."""

import io
import warnings

import PIL.TiffImagePlugin

_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0")
_BIG = ord("+")


def tiff_tags(data):
    """Tags of the first picture of a TIFF.

    Args:
        data: The file's bytes.

    Returns:
        Dictionary from number to value, empty for what is no TIFF, or a damaged one.
    """
    if data[:4] not in _SIGNATURES:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags = PIL.TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if data[2] == _BIG else 8])
            file = io.BytesIO(data)
            file.seek(tags.next)
            tags.load(file)
            return dict(tags)
    except Exception:  # whoever reads the image says what is wrong with it
        return {}
