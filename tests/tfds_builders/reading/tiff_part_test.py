import numpy as np
import pytest
import tifffile

from tfds_builders.reading import TiffPart, read_tiff_part, split_part, tiff_pages


@pytest.fixture
def stack(tmp_path):
    """Two pages: 5 bands of 16 bits, one of floats."""
    rng = np.random.default_rng(0)
    bands = rng.integers(0, 60000, (12, 20, 5)).astype(np.uint16)
    floats = rng.normal(size=(8, 9)).astype(np.float32)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(bands, photometric="minisblack", planarconfig="contig")
        file.write(floats, photometric="minisblack")
    return tmp_path / "a.tif", bands, floats


def test_names_of_parts_and_back():
    part = TiffPart(2, (0, 1, 2, 7), (0, 256, 64, 32))
    assert split_part(f"a/b.TIFF#{part}") == ("a/b.TIFF", part)
    assert split_part("b.tif#bands=0-2,7&page=2&window=0,256,64,32")[1] == part
    assert split_part("b.tif") == ("b.tif", None) and split_part("b.png#page=1")[1] is None
    assert split_part("b.tif#page=0") == ("b.tif", TiffPart())
    assert str(TiffPart()) == "page=0" and str(TiffPart(bands=(3,))) == "bands=3"


@pytest.mark.parametrize(
    "text", ["page", "page=x", "layer=1", "page=1,2", "window=1,2,3", "bands="]
)
def test_what_is_no_part_is_an_error(text):
    with pytest.raises(ValueError, match="part of a TIFF"):
        split_part(f"a.tif#{text}")


def test_pages_bands_and_windows_are_those_of_the_file(stack):
    path, bands, floats = stack
    assert tiff_pages(path) == [(12, 20, 5, np.uint16), (8, 9, 1, np.float32)]
    np.testing.assert_array_equal(read_tiff_part(path, TiffPart()), bands)
    np.testing.assert_array_equal(read_tiff_part(path, TiffPart(1))[..., 0], floats)
    got = read_tiff_part(path, TiffPart(0, (4, 1), (2, 3, 5, 6)))
    np.testing.assert_array_equal(got, bands[2:7, 3:9][..., [4, 1]])


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (TiffPart(2), r"has 2 page\(s\), from 0"),
        (TiffPart(0, (5,)), r"bands are 0\.\.4"),
        (TiffPart(0, None, (0, 0, 13, 20)), "12x20 pixels, which the window leaves"),
    ],
)
def test_a_part_that_is_not_there_is_an_error(stack, part, message):
    with pytest.raises(ValueError, match=message):
        read_tiff_part(stack[0], part)
