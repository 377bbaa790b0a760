import numpy as np
import pytest

from tfds_builders.multimodal_folder.sizes import center_crop, resize, to_one_size, within_margin


def image(height, width, channels=1, dtype=np.uint16):
    values = np.arange(height * width * channels)
    return values.reshape(height, width, channels).astype(dtype)


def test_center_crop_of_the_papers():
    depth = image(480, 640)
    expected = depth[6:474, 7:632]
    np.testing.assert_array_equal(center_crop(depth, 468, 625), expected)
    images = {"rgb": image(480, 640, 3), "label": image(468, 625), "depth": depth}
    cropped = to_one_size(images, "label")
    np.testing.assert_array_equal(cropped["depth"], expected)
    np.testing.assert_array_equal(cropped["rgb"], images["rgb"][6:474, 7:632])
    np.testing.assert_array_equal(cropped["label"], images["label"])


def test_the_margin_is_one_part_in_forty():
    assert within_margin((800, 400), (780, 390))
    assert not within_margin((799, 400), (779, 390))
    assert not within_margin((800, 399), (780, 389))


@pytest.mark.parametrize(
    "size",
    [(467, 625), (468, 624), (481, 640), (480, 642), (960, 1280), (480, 480), (640, 480)],
)
def test_beyond_the_margin(size):
    height, width = size
    message = (
        rf"larger than column 'label' by at most 2\.5 % .*Received: label 468x625, "
        rf"depth {height}x{width}\. .*resize=\('depth',\).*crop the files to that of 'label'"
    )
    with pytest.raises(ValueError, match=message):
        to_one_size({"label": image(468, 625), "depth": image(height, width)}, "label")


def test_an_image_that_is_turned():
    with pytest.raises(ValueError, match=r"rgb: turned by 90 degrees\? .* as EXIF says"):
        to_one_size({"label": image(4, 6), "rgb": image(6, 4, 3)}, "label")


def test_without_reference_sizes_must_agree():
    images = {"rgb": image(4, 6, 3), "depth": image(4, 6)}
    assert to_one_size(images) == images
    with pytest.raises(ValueError, match=r"one size .*rgb 4x6, depth 5x6.*crop_to.*\('depth',\)"):
        to_one_size({"rgb": image(4, 6), "depth": image(5, 6)})


@pytest.mark.parametrize("size", [(2, 3), (8, 12), (5, 5)])
def test_named_columns_are_resized_whatever_their_aspect(size):
    images = {"rgb": image(4, 6, 3), "label": image(4, 6), "thermal": image(*size)}
    for crop_to in ("label", None):
        resized = to_one_size(images, crop_to, ("thermal",), "label")
        assert {name: array.shape for name, array in resized.items()} == {
            "rgb": (4, 6, 3),
            "label": (4, 6, 1),
            "thermal": (4, 6, 1),
        }
    # The others must still agree.
    images["rgb"] = image(9, 9, 3)
    with pytest.raises(ValueError, match="rgb 9x9"):
        to_one_size(images, "label", ("thermal",), "label")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_depth_and_masks_take_the_nearest_pixel(dtype):
    small = image(2, 3, dtype=dtype)
    np.testing.assert_array_equal(resize(small, 4, 6), small.repeat(2, 0).repeat(2, 1))
    large = resize(image(9, 12, dtype=dtype), 3, 4)
    np.testing.assert_array_equal(large, image(9, 12, dtype=dtype)[1::3, 1::3])
    mask = np.array([[[0], [2]]], np.uint8)
    assert set(resize(mask, 5, 7, is_label=True).ravel()) == {0, 2}


def test_holes_stay_holes_and_nothing_else():
    depth = np.full((6, 8, 1), 2.5, np.float32)
    depth[:3] = np.nan
    shrunk = resize(depth, 4, 4)
    assert np.isnan(shrunk[:2]).all() and (shrunk[2:] == 2.5).all()


def test_colours_are_interpolated_and_averaged():
    checks = np.zeros((8, 8, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = (200, 100, 50)
    averaged = resize(checks, 4, 4)
    assert averaged.dtype == np.uint8
    assert np.abs(averaged[1:-1, 1:-1].astype(int) - (100, 50, 25)).max() < 10
    ramp = np.broadcast_to(np.arange(0, 80, 10, dtype=np.uint8)[None, :, None], (2, 8, 3))
    wide = resize(ramp, 2, 16)[0, :, 0].astype(int)
    assert (np.diff(wide)[1:-1] == 5).all()


def test_four_channels_are_no_alpha():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 4), np.uint8)
    whole, first = resize(pixels, 8, 8), resize(pixels[..., :3], 8, 8)
    np.testing.assert_array_equal(whole[..., :3], first)
