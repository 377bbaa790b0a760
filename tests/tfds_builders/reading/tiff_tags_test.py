import io

import numpy as np
import PIL.Image
import pytest

from tests.tfds_builders.reading.geotiff_test import bands, tiff
from tfds_builders.reading.orientation import encoded_orientation
from tfds_builders.reading.tiff_tags import tiff_tags


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}])
def test_tags_of_pixels_that_pillow_does_not_open(options):
    data = tiff(bands("float32", 13), tags=[(274, "H", 1, 8, True)], **options)
    tags = tiff_tags(data)
    assert (tags[256], tags[257], tags[277], tags[274]) == (24, 20, 13, 8)
    assert encoded_orientation(data) == 8


def test_what_is_no_tiff():
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.zeros((2, 2), np.uint8)).save(buffer, "png")
    whole = tiff(bands("uint8", 2))
    for data in (b"", b"II*\0", buffer.getvalue(), whole[:8], b"II*\0\xff\xff\xff\xff"):
        assert tiff_tags(data) == {} and encoded_orientation(data) == 1
    assert encoded_orientation(tiff(bands("uint8", 2), tags=[(274, "H", 1, 99, True)])) == 1
