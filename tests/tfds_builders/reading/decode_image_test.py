import io

import numpy as np
import PIL.Image
import pytest

from tfds_builders.reading import check_image, decode_image, expect_image

DEPTH = np.random.default_rng(0).integers(0, 65536, (6, 8), np.uint16)


def png(array, mode=None):
    buffer = io.BytesIO()
    image = PIL.Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(buffer, "png")
    return buffer.getvalue()


def test_depth_is_exact():
    image = decode_image(png(DEPTH), "a.zip, member b.png")
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, DEPTH[..., None])


def test_errors_begin_with_the_name():
    with pytest.raises(ValueError, match=r"^a\.zip, member b\.png: cannot be read: "):
        decode_image(png(DEPTH)[:60], "a.zip, member b.png")
    with pytest.raises(ValueError, match=r"^b\.png: a label must be a uint8 mask"):
        decode_image(png(DEPTH), "b.png", is_label=True)
    with pytest.raises(ValueError, match=r"^b\.npy: must be an image .*shape=\(4,\)"):
        check_image(np.zeros(4, np.uint8), "b.npy")


def test_expected_type():
    image = decode_image(png(DEPTH), "b.png")
    assert expect_image(image, "b.png", np.uint16, 1) is image
    with pytest.raises(
        ValueError,
        match=r"^b\.png: must be uint8 with 3 channels\. Received: uint16 with 1 channels\. Fix it",
    ):
        expect_image(image, "b.png", np.uint8, 3, "Fix it.")
