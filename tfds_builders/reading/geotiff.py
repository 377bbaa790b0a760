"""TIFF as instruments and GDAL write it: any number of bands, integers or floats."""

import io
import itertools
import zlib

import numpy as np

from tfds_builders.reading.limits import check_image_bytes
from tfds_builders.reading.optional import import_reader
from tfds_builders.reading.orientation import encoded_orientation, turn_upright
from tfds_builders.reading.tiff_tags import tiff_tags

_BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _FORMAT = 258, 262, 277, 338, 339
_GDAL_NODATA = 42113
_DTYPES = {(1, 8): "uint8", (1, 16): "uint16", (2, 16): "int16", (3, 32): "float32"}
_GREY, _RGB = 1, 2
_UNSPECIFIED = 0
_DEFLATE = (8, 32946)
_REDUCED_OR_MASK = 1 | 4
_MOST_PAGES = 64


def _numbers(tags, tag, default):
    value = tags.get(tag, default)
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _dtype(tags):
    """Name of the bands' type, None for one that is not read here."""
    bits, kinds = set(_numbers(tags, _BITS, 1)), set(_numbers(tags, _FORMAT, 1))
    if len(bits) != 1 or len(kinds) != 1:
        return None
    return _DTYPES.get((kinds.pop(), bits.pop()))


def has_bands(data):
    """Whether a file is a TIFF of bands that Pillow would not read exactly.

    Those are several bands that are no 8-bit colours, and signed integers of 16 bits.

    Args:
        data: The file's bytes.
    """
    tags = tiff_tags(data)
    dtype, photometric = _dtype(tags), tags.get(_PHOTOMETRIC)
    if dtype is None or photometric not in (_GREY, _RGB):
        return False
    count, extra = tags.get(_SAMPLES, 1), _numbers(tags, _EXTRA, _UNSPECIFIED)
    if count == 1:
        return dtype == "int16"
    colours = photometric == _RGB and (count == 3 or (count == 4 and _UNSPECIFIED not in extra))
    return dtype != "uint8" or not colours


def declared_nodata(data):
    """The value that a GeoTIFF declares for pixels without data (GDAL's tag 42113).

    Args:
        data: The file's bytes.

    Returns:
        A float, or None where none is declared, where it is NaN (a hole in any case), and for what
        is no TIFF.
    """
    text = str(tiff_tags(data).get(_GDAL_NODATA, "")).strip(" \0")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def read_bands(data):
    """Reads all bands with exactly the file's values.

    Args:
        data: The bytes of a file that `has_bands`.

    Returns:
        `(height, width, bands)` array of uint8, uint16, int16 or float32, upright.

    Raises:
        ValueError: If it holds several pictures, would be too large, is compressed in a way that
            needs another package, or tifffile is not installed.
    """
    tifffile = import_reader("tifffile", "geotiff", "TIFF with several bands or signed values")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages = [
            page
            for page in itertools.islice(file.pages, _MOST_PAGES)
            if not page.subfiletype & _REDUCED_OR_MASK
        ]
        if len(pages) != 1:
            raise ValueError(f"it holds {len(pages)} pictures; save each to a file of its own")
        page = pages[0]
        # (planes, depth, height, width, samples)
        planes, depth, height, width, samples = page.shaped
        if depth != 1:
            raise ValueError(f"it holds {depth} layers; save each to a file of its own")
        shape = height, width, planes * samples
        check_image_bytes(shape, page.dtype.itemsize)
        _check_segments(data, page)
        try:
            values = page.asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            raise ValueError(
                f"{error}: pip install imagecodecs, or write the file anew with DEFLATE, without a "
                "predictor (gdal_translate -co COMPRESS=DEFLATE)"
            ) from error
        bands = np.moveaxis(values.reshape(planes, height, width, samples), 0, 2)
        bands = bands.reshape(shape)
        return turn_upright(bands, encoded_orientation(data))


def _check_segments(data, page):
    """Raises a `ValueError` where a compressed tile or strip would unpack to more than it holds."""
    if page.compression not in _DEFLATE:
        return
    if page.is_tiled:
        height, width = page.tilelength, page.tilewidth
    else:
        height, width = min(page.rowsperstrip, page.imagelength), page.imagewidth
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    most = height * width * samples * page.dtype.itemsize
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        unpacker = zlib.decompressobj()
        unpacker.decompress(data[offset : offset + size], most)
        if unpacker.decompress(unpacker.unconsumed_tail, 1):
            raise ValueError(
                f"a tile or strip unpacks to more than its {most} bytes: the file is damaged"
            )
