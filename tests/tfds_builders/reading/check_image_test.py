import numpy as np
import pytest

from tfds_builders.reading import check_image, expect_image


def test_rank_and_byte_order():
    image = check_image(np.arange(6, dtype=">u2").reshape(2, 3), "b.npy")
    assert image.shape == (2, 3, 1) and image.dtype.isnative and image[1, 2, 0] == 5
    with pytest.raises(ValueError, match=r"^b\.npy: must be an image .*shape=\(4,\)"):
        check_image(np.zeros(4, np.uint8), "b.npy")


def test_holes_of_floats_stay():
    depth = np.array([[1, np.nan], [np.inf, 0]], np.float32)
    np.testing.assert_array_equal(check_image(depth, "b.npy")[..., 0], depth)
    with pytest.raises(ValueError, match="a label must be a uint8 mask"):
        check_image(depth, "b.npy", is_label=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 13])
def test_bands_of_any_number(dtype, channels):
    image = np.ones((20, 3, channels), dtype)
    assert check_image(image, "b.npy").shape == image.shape


def test_what_tfds_could_not_keep():
    for dtype, fix in (("float64", "float32"), ("int32", "int16, uint16 or float32")):
        with pytest.raises(ValueError, match=f"^b.npy: must be .* save it as {fix}, if its val"):
            check_image(np.ones((2, 3), dtype), "b.npy")


def test_expected_type():
    image = np.zeros((2, 3, 1), np.uint16)
    assert expect_image(image, "b.png", np.uint16, 1) is image
    with pytest.raises(
        ValueError,
        match=r"^b\.png: must be uint8 with 3 channels\. Received: uint16 with 1 channels\. Fix it",
    ):
        expect_image(image, "b.png", np.uint8, 3, "Fix it.")
