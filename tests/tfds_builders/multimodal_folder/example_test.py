import numpy as np
import pytest

from tfds_builders.multimodal_folder.example import center_crop, check_labels, crop_to_one_size


def image(height, width, channels=1):
    return np.arange(height * width * channels, dtype=np.uint16).reshape(height, width, channels)


def test_center_crop_of_the_papers():
    depth = image(480, 640)
    np.testing.assert_array_equal(center_crop(depth, 468, 625), depth[6:474, 7:632])


def test_larger_images_are_cropped_to_the_reference():
    images = {"rgb": image(7, 9, 3), "label": image(4, 6), "depth": image(4, 6)}
    cropped = crop_to_one_size(images, "label")
    np.testing.assert_array_equal(cropped["rgb"], images["rgb"][1:5, 1:7])
    np.testing.assert_array_equal(cropped["depth"], images["depth"])


@pytest.mark.parametrize("size", [(3, 6), (4, 5), (3, 9), (9, 5)])
def test_smaller_than_the_reference(size):
    with pytest.raises(
        ValueError, match=rf"smaller than column 'label'.*depth {size[0]}x{size[1]}"
    ):
        crop_to_one_size({"label": image(4, 6), "depth": image(*size)}, "label")


def test_without_reference_sizes_must_agree():
    images = {"rgb": image(4, 6, 3), "depth": image(4, 6)}
    assert crop_to_one_size(images, None) == images
    with pytest.raises(ValueError, match=r"one size .*rgb 4x6, depth 5x6.*crop_to"):
        crop_to_one_size({"rgb": image(4, 6), "depth": image(5, 6)}, None)


def test_labels():
    label = np.array([[0, 1, 2, 255]], np.uint8)
    check_labels(label, 3)
    with pytest.raises(ValueError, match=r"0\.\.1, or 255 .*Received: 2 \(1 pixels\)\. "):
        check_labels(label, 2)
    label = np.array([[0, 3, 3, 254, 255]], np.uint8)
    with pytest.raises(ValueError, match=r"Received: 3 \(2 pixels\), 254 \(1 pixels\)"):
        check_labels(label, 3)
    check_labels(np.full((2, 2), 255, np.uint8), 1)
    check_labels(np.arange(256, dtype=np.uint8), 255)
