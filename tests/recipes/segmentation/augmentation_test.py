import numpy as np
import pytest
import tensorflow as tf

from recipes.segmentation import augmentation

MODALITIES = {
    "rgb": {"channels": 2, "interpolation": "bicubic"},
    "depth": {"channels": 1, "interpolation": "nearest"},
}


def coordinates(height, width):
    """An example in which every image holds its own pixels' coordinates.

    Pixel centres are at 0.5, 1.5, ... `rgb` is linear in the coordinates, so that any correct
    interpolation reproduces them away from the border. `depth` holds the column times 10, `label`
    the row.
    """
    rows, columns = np.mgrid[:height, :width].astype("float32")
    return {
        "rgb": tf.constant(np.stack([rows, columns], -1) + 0.5),
        "depth": tf.constant((columns[..., None] * 10 + 5).astype("uint16")),
        "label": tf.constant(rows[..., None].astype("uint8")),
    }


def test_rescale_by_hand():
    image = np.array([[1, 2], [3, 4]], "uint8")[..., None]
    example = {"depth": tf.constant(image), "label": tf.constant(image)}
    result = augmentation.rescale(example, {"depth": MODALITIES["depth"]}, 2.0)
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(result["depth"][..., 0], expected)
    np.testing.assert_array_equal(result["label"][..., 0], expected)


@pytest.mark.parametrize(
    ("factor", "shorter_side", "expected"),
    [(0.5, 0, (10, 15)), (0.5, 16, (16, 24)), (1.0, 16, (20, 30)), (0.33, 0, (7, 10))],
)
def test_shorter_side_is_a_floor(factor, shorter_side, expected):
    result = augmentation.rescale(coordinates(20, 30), MODALITIES, factor, shorter_side)
    assert {tuple(image.shape[:2]) for image in result.values()} == {expected}


def test_nearest_makes_no_new_value_and_keeps_the_dtype():
    depth = np.array([[0, 9000], [5000, 0]], "uint16")[..., None]
    resized = augmentation.resize(tf.constant(depth), (7, 5), "nearest")
    assert resized.dtype == tf.uint16
    assert set(resized.numpy().ravel()) == {0, 5000, 9000}


def test_bicubic_overshoot_stays_in_the_range_of_the_dtype():
    edge = np.zeros((1, 8, 1), "uint8")
    edge[:, 4:] = 255
    resized = augmentation.resize(tf.constant(edge), (1, 32), "bicubic").numpy()
    assert (resized.min(), resized.max()) == (0, 255)
    free = augmentation.resize(tf.constant(edge.astype("float32")), (1, 32), "bicubic").numpy()
    assert free.max() > 255


def test_crop_reaches_every_position():
    example = {"label": tf.range(4, dtype=tf.int32)[None, :, None]}
    corners = {
        int(augmentation.random_crop(example, (1, 2), (0, index))["label"][0, 0, 0])
        for index in range(30)
    }
    assert corners == {0, 1, 2}


def test_crop_keeps_what_is_smaller():
    cropped = augmentation.random_crop(coordinates(6, 20), (8, 10), (0, 0))
    assert tuple(cropped["depth"].shape) == (6, 10, 1)


def test_mirror_by_hand():
    example = {"label": tf.constant([[[1], [2], [3]]]), "depth": tf.constant([[[4], [5], [6]]])}
    mirrored = augmentation.random_mirror(example, 1.0, (0, 0))
    assert mirrored["label"].numpy().ravel().tolist() == [3, 2, 1]
    assert mirrored["depth"].numpy().ravel().tolist() == [6, 5, 4]
    same = augmentation.random_mirror(example, 0.0, (0, 0))
    assert same["label"].numpy().ravel().tolist() == [1, 2, 3]


def test_mirror_has_the_probability():
    example = {"label": tf.constant([[[1], [2]]])}
    count = sum(
        int(augmentation.random_mirror(example, 0.25, (7, index))["label"][0, 0, 0]) == 2
        for index in range(200)
    )
    assert 30 < count < 70


def test_pad_by_hand():
    image = tf.constant([[[7]]], tf.uint8)
    padded = augmentation.pad_to(image, (2, 4), augmentation.VOID)
    np.testing.assert_array_equal(padded[..., 0], [[255, 7, 255, 255], [255, 255, 255, 255]])
    corner = augmentation.pad_to(image, (1, 3), 0, centred=False)
    np.testing.assert_array_equal(corner[..., 0], [[7, 0, 0]])


@pytest.mark.parametrize("index", range(12))
def test_all_images_stay_aligned(index):
    config = {"size": (32, 40), "scale": (0.5, 2.0), "shorter_side": 24, "mirror": 0.5}
    result = augmentation.augment(coordinates(40, 56), MODALITIES, config, (5, index))
    row, column = np.moveaxis(result["rgb"].numpy(), -1, 0)
    depth_column = result["depth"].numpy()[..., 0] / 10
    label_row = result["label"].numpy()[..., 0] + 0.5
    # Where the cubic kernel reaches beyond the border, coordinates are not reproduced.
    inner = (row > 3) & (row < 37) & (column > 3) & (column < 53)
    assert inner.mean() > 0.4
    # The nearest pixel's centre is at most half a source pixel away.
    assert np.abs(depth_column - column)[inner].max() <= 0.501
    assert np.abs(label_row - row)[inner].max() <= 0.501


def test_same_seed_same_result_other_seed_other_result():
    config = {"size": (16, 16), "scale": (0.5, 2.0), "mirror": 0.5}
    example = coordinates(30, 30)
    first, again, other = (
        augmentation.augment(example, MODALITIES, config, (3, index))["rgb"] for index in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "`augmentation.size` must be"),
        ({"size": (8, 8), "scale": (2.0, 0.5)}, "low <= high"),
        ({"size": (8, 8), "mirror": 1.5}, "probability"),
        ({"size": (8, 8), "flip": 0.5}, "unknown keys .'flip'."),
    ],
)
def test_unusable_settings(config, message):
    with pytest.raises(ValueError, match=message):
        augmentation.check_augmentation(config)
