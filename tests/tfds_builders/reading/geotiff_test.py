import importlib.util
import io
import zlib

import numpy as np
import PIL.Image
import pytest
import tifffile

from tests.tfds_builders.reading.pixel_format_test import opencv
from tfds_builders.reading import declared_nodata, decode_image, limits
from tfds_builders.reading.geotiff import has_bands

RNG = np.random.default_rng(0)
SIZE = (20, 24)
LIMITS = {
    "uint8": (0, 255),
    "uint16": (0, 65535),
    "int16": (-32768, 32767),
    "float32": (np.finfo(np.float32).min, np.finfo(np.float32).max),
}


def bands(dtype, count):
    """Values of the whole range of a type, with its least and its greatest."""
    low, high = LIMITS[dtype]
    if dtype == "float32":
        image = RNG.normal(size=(*SIZE, count)).astype(dtype)
        image[3, 4, 0], image[3, 5, 0] = np.nan, np.inf
    else:
        image = RNG.integers(low, high + 1, (*SIZE, count)).astype(dtype)
    image[0, 0, 0], image[0, 1, 0] = low, high
    return image


OPTIONS = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}


def tiff(image, nodata=None, tags=(), **options):
    """The bytes of a TIFF of `(height, width, bands)` as GDAL's, with bands mixed or apart."""
    options = {**OPTIONS, **options}
    if options["planarconfig"] == "separate":
        image = np.moveaxis(image, -1, 0)
    if nodata is not None:
        tags = [(42113, "s", 0, nodata, True)]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, extratags=tags, **options)
    return buffer.getvalue()


LAYOUTS = {
    "strips": {},
    "by band": {"planarconfig": "separate"},
    "tiles": {"tile": (16, 16)},
    "tiles by band, deflate": {
        "tile": (16, 16),
        "planarconfig": "separate",
        "compression": "zlib",
    },
    "deflate, strips": {"compression": "zlib", "rowsperstrip": 7},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_bands_are_exact(dtype, layout):
    image = bands(dtype, 5)
    found = decode_image(tiff(image, **LAYOUTS[layout]), "a.tif")
    assert found.dtype == dtype and found.dtype.isnative
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 13])
def test_any_number_of_bands(dtype, count):
    image = bands(dtype, count)
    data = tiff(image) if count > 1 else tiff(image[..., 0], planarconfig=None)
    found = decode_image(data, "a.tif")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, image)


def test_16_bit_colours_and_four_bands_that_are_no_alpha():
    image = bands("uint16", 3)
    np.testing.assert_array_equal(decode_image(tiff(image, photometric="rgb"), "a.tif"), image)
    image = bands("uint8", 4)
    data = tiff(image, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(decode_image(data, "a.tif"), image)


def test_what_pillow_reads_exactly_needs_no_package():
    for image in (bands("uint8", 1)[..., 0], bands("uint16", 1)[..., 0], bands("uint8", 3)):
        buffer = io.BytesIO()
        PIL.Image.fromarray(image).save(buffer, "tiff")
        assert not has_bands(buffer.getvalue())
    assert not has_bands(b"II*\0") and not has_bands(b"") and not has_bands(b"\x89PNG")


def test_a_missing_package_is_named(monkeypatch):
    def without(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", without)
    message = r"^a\.tif: cannot be read: .* pip install 'keras_asym\[geotiff\]' \(No module"
    with pytest.raises(ValueError, match=message):
        decode_image(tiff(bands("int16", 2)), "a.tif")


def test_turned_upright_as_the_orientation_says():
    image = bands("uint16", 2)
    data = tiff(image, tags=[(274, "H", 1, 6, True)])
    np.testing.assert_array_equal(decode_image(data, "a.tif"), np.rot90(image, -1))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-9999", -9999.0),
        ("0", 0.0),
        ("-3.4028234663852886e+38", float(np.finfo(np.float32).min)),
        ("65535 ", 65535.0),
        ("nan", None),
        ("none", None),
        (None, None),
    ],
)
def test_nodata(text, value):
    assert declared_nodata(tiff(bands("float32", 2), text)) == value
    grey = tiff(bands("uint8", 1)[..., 0], text, planarconfig=None)
    assert declared_nodata(grey) == value


def test_nodata_of_what_is_no_tiff():
    assert declared_nodata(b"") is None and declared_nodata(b"II*\0\xff\xff\xff\xff") is None


def test_several_pictures():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for _ in range(2):
            file.write(bands("int16", 2), **OPTIONS)
    with pytest.raises(ValueError, match="holds 2 pictures; save each"):
        decode_image(buffer.getvalue(), "a.tif")


def test_overviews_are_no_pictures():
    image, buffer = bands("int16", 2), io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(image, **OPTIONS)
        file.write(image[::2, ::2], subfiletype=1, **OPTIONS)
    np.testing.assert_array_equal(decode_image(buffer.getvalue(), "a.tif"), image)


def test_the_largest_image_and_one_above(monkeypatch):
    image = bands("float32", 5)
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", image.nbytes)
    assert decode_image(tiff(image), "a.tif").nbytes == image.nbytes
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", image.nbytes - 1)
    message = r"^a\.tif: cannot be read: .* Received: 20x24x5 .* of 4 bytes\. Cut it into tiles"
    with pytest.raises(ValueError, match=message):
        decode_image(tiff(image), "a.tif")


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16), "planarconfig": "separate"}])
def test_a_strip_that_unpacks_to_more_than_it_declares(options):
    """A bomb: the deflated strip of a small picture that holds gigabytes, here one byte more."""
    image = np.random.default_rng(0).integers(-9999, 9999, (16, 16, 2)).astype("int16")
    data = tiff(image, compression="zlib", **options)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place, old = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    whole = zlib.decompress(data[place : place + old])
    padded = zlib.compress(bytes(len(whole) + 1), 9)  # of zeros: fits into the other's place
    changed = data[:place] + padded.ljust(old, b"\0") + data[place + old :]
    with pytest.raises(ValueError, match=f"unpacks to more than its {len(whole)} bytes"):
        decode_image(changed, "a.tif")
    np.testing.assert_array_equal(decode_image(data, "a.tif"), image)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_damaged_files_are_named(compression):
    data = tiff(bands("float32", 3), compression=compression)
    for length in (9, len(data) // 3, len(data) - 9):
        with pytest.raises(ValueError, match=r"^a\.tif: cannot be read: "):
            decode_image(data[:length], "a.tif")


def test_bands_are_no_mask():
    with pytest.raises(ValueError, match=r"^a\.tif: a label must be a uint8 mask"):
        decode_image(tiff(bands("uint8", 2)), "a.tif", is_label=True)


def test_lzw_is_read_or_the_package_is_named():
    image = bands("uint16", 3)
    data = opencv(image[..., ::-1], ".tiff")
    if importlib.util.find_spec("imagecodecs"):
        np.testing.assert_array_equal(decode_image(data, "a.tif"), image)
    else:
        with pytest.raises(ValueError, match=r"^a\.tif: cannot be read: .*pip install imagecodecs"):
            decode_image(data, "a.tif")
