import numpy as np
import pytest
import tensorflow as tf

from recipes.data.batches import evaluation_batches, training_batches
from recipes.data.sources import MemorySource
from recipes.segmentation.examples import SegmentationExamples, check_augmentation

RGB = {"channels": 3, "scale": 1 / 255, "mean": 0.5, "interpolation": "bicubic"}
DEPTH = {"channels": 1, "scale": 0.001}
MODALITIES = {"rgb": RGB, "depth": DEPTH}
AUGMENTATION = {"size": (10, 14), "scale": (0.5, 2.0), "shorter_side": 6, "mirror": 0.5}
ALIGNED = {
    "rgb": {"channels": 2, "interpolation": "bicubic"},
    "depth": {"channels": 1, "interpolation": "nearest", "mirror_channels": (0,)},
}


def examples(augmentation=AUGMENTATION, modalities=MODALITIES, eval_size=None, num_classes=4):
    return SegmentationExamples(modalities, num_classes, augmentation, eval_size)


def arrays(count=5, height=8, width=12):
    generator = np.random.default_rng(0)
    return {
        "rgb": generator.integers(0, 256, (count, height, width, 3)).astype("uint8"),
        "depth": generator.integers(0, 9000, (count, height, width, 1)).astype("uint16"),
        "label": generator.integers(0, 4, (count, height, width, 1)).astype("uint8"),
        "id": np.array([f"room{index}" for index in range(count)]),
    }


def source(**changes):
    return MemorySource({**arrays(), **changes})


def sizes_differ():
    sizes = ((8, 12), (6, 9), (8, 12))
    return MemorySource(
        [{name: value[0] for name, value in arrays(1, *size).items()} for size in sizes]
    )


def assert_same(first, second):
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_batches_have_static_shapes():
    images, labels = training_batches(source(), examples(), 2).element_spec
    assert images["rgb"] == tf.TensorSpec((2, 10, 14, 3), tf.float32)
    assert images["depth"] == tf.TensorSpec((2, 10, 14, 1), tf.float32)
    assert labels == tf.TensorSpec((2, 10, 14), tf.int32)


def test_a_validity_channel():
    depth = arrays()["depth"]
    depth[:, 2:4] = 0
    spec = {"channels": 1, "scale": 0.001, "mean": 2.0, "invalid": 0, "validity": True}
    made = examples(modalities={"depth": spec}, eval_size=(10, 14))
    for batches in (
        training_batches(source(depth=depth), made, 2),
        evaluation_batches(source(depth=depth), made, 2),
    ):
        assert batches.element_spec[0]["depth"] == tf.TensorSpec((2, 10, 14, 2), tf.float32)
        images, labels = next(iter(batches))
        depth_values, valid = np.moveaxis(images["depth"].numpy(), -1, 0)
        assert set(np.unique(valid)) == {0, 1}
        assert (depth_values[valid == 0] == 0).all() and (depth_values[valid == 1] > -2).all()
        assert (valid[labels.numpy() == 255] == 0).all()  # padding is not measured


def test_without_augmentation_images_are_as_they_are_stored():
    images, labels = next(iter(training_batches(source(), examples({"size": (8, 12)}), 5)))
    data = arrays()
    order = [
        int(np.flatnonzero((data["label"][..., 0] == x.numpy()).all((1, 2)))[0]) for x in labels
    ]
    assert sorted(order) == [0, 1, 2, 3, 4] and order != [0, 1, 2, 3, 4]
    np.testing.assert_allclose(images["rgb"], data["rgb"][order] / 255 - 0.5, atol=1e-6)
    np.testing.assert_allclose(images["depth"], data["depth"][order] * 0.001, atol=1e-5)


def test_shares_together_are_the_whole_batches():
    whole = next(iter(training_batches(source(), examples(), 4, seed=7, start_step=1)))
    contexts = [tf.distribute.InputContext(2, number, 2) for number in range(2)]
    parts = [
        next(iter(training_batches(source(), examples(), 4, 7, 1, context))) for context in contexts
    ]
    assert_same(tf.nest.map_structure(lambda *x: tf.concat(x, 0), *parts), whole)


def test_start_step_continues_the_same_run():
    whole = list(training_batches(source(), examples(), 2, seed=7).take(4))
    (resumed,) = training_batches(source(), examples(), 2, seed=7, start_step=3).take(1)
    assert_same(resumed, whole[3])


def test_each_draw_of_an_example_is_augmented_differently():
    one = MemorySource(arrays(1))
    (first, _), (second, _) = training_batches(one, examples(), 1).take(2)
    assert not np.array_equal(first["rgb"], second["rgb"])


def test_padding_is_void_in_the_mask_and_zero_in_the_images():
    images, labels = next(iter(training_batches(source(), examples({"size": (12, 14)}), 2)))
    inside = np.zeros((12, 14), bool)
    inside[2:10, 1:13] = True
    assert (labels.numpy()[:, ~inside] == 255).all() and (labels.numpy()[:, inside] < 4).all()
    assert (images["rgb"].numpy()[:, ~inside] == 0).all()
    assert (images["depth"].numpy()[:, inside] > 0).mean() > 0.9


def test_what_fills_the_last_evaluation_batch_is_void():
    batches = list(evaluation_batches(source(), examples(None), 2))
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels[:5], arrays()["label"][..., 0])
    assert labels.shape == (6, 8, 12) and (labels[5] == 255).all()
    assert (batches[2][0]["rgb"].numpy()[1] == 0).all()
    expected = arrays()["depth"][:2] * 0.001
    np.testing.assert_allclose(batches[0][0]["depth"], expected, atol=1e-5)


def test_evaluation_images_of_different_sizes_are_padded_at_the_bottom_and_the_right():
    batches = evaluation_batches(sizes_differ(), examples(eval_size=(8, 12)), 2)
    assert batches.element_spec[1].shape == (2, 8, 12)
    _, labels = next(iter(batches))
    assert (labels[1, :6, :9].numpy() < 4).all()
    assert (labels[1, 6:].numpy() == 255).all() and (labels[1, :, 9:].numpy() == 255).all()


@pytest.mark.parametrize(
    ("eval_size", "message"),
    [
        (None, r"set `eval_size`.*\[8 12\] and \[6 9\]"),
        ((7, 12), r"Example `room0`: must be at most `eval_size` \(7, 12\) large"),
    ],
)
def test_sizes_that_cannot_be_batched(eval_size, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(evaluation_batches(sizes_differ(), examples(eval_size=eval_size), 2))


@pytest.mark.parametrize("make", [training_batches, evaluation_batches])
def test_a_broken_example_is_named(make):
    label = arrays()["label"]
    label[3, 0, 0] = 9
    message = r"Example `room3`: `label` must be 0..3 or 255.*\[9\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(make(source(label=label), examples(), 5).take(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_classes": 256}, "`num_classes` must be in 2..255"),
        ({"num_classes": 1}, "`num_classes` must be in 2..255"),
        ({"modalities": {}}, "at least one"),
        ({"augmentation": {}}, "must have the keys"),
    ],
)
def test_unusable_settings(change, message):
    with pytest.raises(ValueError, match=message):
        examples(**change)


def test_a_source_without_a_modality():
    made = examples(modalities={**MODALITIES, "thermal": {"channels": 1}})
    for make in (training_batches, evaluation_batches):
        with pytest.raises(ValueError, match=r"must have the entries \['thermal'\]"):
            make(source(), made, 2)


def coordinates(height, width):
    """An example in which every image holds its own pixels' coordinates.

    Pixel centres are at 0.5, 1.5, ... `rgb` is linear in the coordinates, so that any correct
    interpolation reproduces them away from the border. `depth` holds the column times 10, `label`
    the row.
    """
    rows, columns = np.mgrid[:height, :width].astype("float32")
    return {
        "rgb": np.stack([rows, columns], -1) + np.float32(0.5),
        "depth": (columns[..., None] * 10 + 5).astype("uint16"),
        "label": rows[..., None].astype("uint8"),
    }


def draw(extent, augmentation, uniforms):
    extent, uniforms = tf.constant(extent, tf.int32), tf.constant(uniforms, tf.float32)
    return examples(augmentation).draw_geometry(extent, uniforms)


@pytest.mark.parametrize(
    ("scale", "shorter_side", "uniform", "expected"),
    [
        ((0.5, 0.5), 0, 0.3, (10, 15)),
        ((0.5, 0.5), 16, 0.3, (16, 24)),
        ((0.8, 0.8), 20, 0.3, (20, 30)),
        ((0.33, 0.33), 0, 0.3, (7, 10)),
        ((0.5, 2.0), 0, 0.5, (25, 38)),
    ],
)
def test_shorter_side_is_a_floor(scale, shorter_side, uniform, expected):
    augmentation = {"size": (60, 60), "scale": scale, "shorter_side": shorter_side}
    geometry = draw((20, 30), augmentation, (uniform, 0, 0, 0))
    assert tuple(np.array(geometry.size)) == expected


def test_scales_in_steps_are_drawn_equally_often():
    augmentation = {"size": (900, 900), "scale": (0.5, 2.0), "scale_step": 0.25}
    uniforms = (np.arange(70) + 0.5) / 70
    heights = [int(draw((200, 300), augmentation, (u, 0, 0, 0)).size[0]) for u in uniforms]
    scales, counts = np.unique(heights, return_counts=True)
    assert scales.tolist() == [100, 150, 200, 250, 300, 350, 400] and set(counts) == {10}
    largest = np.nextafter(np.float32(1), np.float32(0))
    assert int(draw((200, 300), augmentation, (largest, 0, 0, 0)).size[0]) == 400


def test_a_step_without_a_range_of_scales_changes_nothing():
    augmentation = {"size": (9, 9), "scale": (1.5, 1.5), "scale_step": 0.25}
    assert int(draw((20, 30), {**augmentation, "size": (90, 90)}, (0.7, 0, 0, 0)).size[0]) == 30


def test_without_scale_nothing_is_resized():
    geometry = draw((20, 30), {"size": (8, 40)}, (0.5, 0.5, 0.5, 0.5))
    assert geometry.size is None
    assert np.array(geometry.window).tolist() == [8, 30]
    assert np.array(geometry.offset).tolist() == [6, 0]


@pytest.mark.parametrize("index", range(8))
def test_all_images_stay_aligned(index):
    augmentation = {"size": (32, 40), "scale": (0.5, 2.0), "shorter_side": 24, "mirror": 0.5}
    example = {name: tf.constant(image) for name, image in coordinates(40, 56).items()}
    uniforms = np.random.default_rng(index).random(4, "float32")
    made = examples(augmentation, ALIGNED, num_classes=40)
    images, label = made.training(example, tf.constant("a"), tf.constant(uniforms))
    row, column = np.moveaxis(np.array(images["rgb"]), -1, 0)
    sign = -1 if uniforms[3] < 0.5 else 1
    depth_column = sign * np.array(images["depth"])[..., 0] / 10
    label_row = np.array(label) + 0.5
    # Where the cubic kernel would reach beyond the window, coordinates are not reproduced.
    inner = (row > 3) & (row < 37) & (column > 3) & (column < 53)
    inner &= np.pad(np.ones((24, 32), bool), 4)
    assert inner.mean() > 0.4
    # The nearest pixel's centre is at most half a source pixel away.
    assert np.abs(depth_column - column)[inner].max() <= 0.501
    assert np.abs(label_row - row)[inner].max() <= 0.501
    assert (np.diff(column[16]) * sign >= 0)[inner[16, 1:]].all()


@pytest.mark.parametrize("channels", [0, (0,), [0]])
def test_a_mirror_image_negates_its_channels_however_they_are_written(channels):
    modalities = {"normal": {"channels": 3, "mirror_channels": channels}}
    made = examples({"size": (8, 12), "mirror": 1.0}, modalities)
    example = {
        "normal": tf.random.stateless_normal((8, 12, 3), (0, 0)),
        "label": tf.constant(arrays(1)["label"][0]),
    }
    images, label = made.training(example, tf.constant("a"), tf.zeros(4))
    np.testing.assert_array_equal(label, example["label"][:, ::-1, 0])
    np.testing.assert_array_equal(images["normal"], example["normal"][:, ::-1] * [-1, 1, 1])


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        ({}, r"`config.augmentation` must have the keys \('size',\).*no size"),
        ({"size": (8, 0)}, r"`config.augmentation.size` must be \(height, width\) in pixels"),
        ({"size": (8, 8, 3)}, "`config.augmentation.size` must be"),
        ({"size": 8}, r"`config.augmentation.size` must be .*Received: size=8"),
        ({"size": (8, 8), "scale": (2.0, 0.5)}, "low <= high"),
        ({"size": (8, 8), "scale": (0.0, 0.5)}, "0 < low"),
        ({"size": (8, 8), "scale": 2.0}, "`config.augmentation.scale` must be .low, high."),
        ({"size": (8, 8), "mirror": 1.5}, "`config.augmentation.mirror` must be a number"),
        ({"size": (8, 8), "mirror": "yes"}, "`config.augmentation.mirror` must be a number"),
        ({"size": (8, 8), "shorter_side": -1}, "`config.augmentation.shorter_side` must be"),
        ({"size": (8, 8), "flip": 0.5}, "unknown flip"),
        ({"size": (8, 8), "scale": (0.5, 2.0), "scale_step": 0.4}, "must divide the range"),
        ({"size": (8, 8), "scale_step": -0.5}, "`config.augmentation.scale_step` must be"),
    ],
)
def test_unusable_augmentations(augmentation, message):
    with pytest.raises(ValueError, match=message):
        check_augmentation(augmentation)


def test_usable_augmentations():
    check_augmentation({"size": [8, 8]})
    check_augmentation({"size": (8, 8), "scale": (1, 1), "shorter_side": 0, "mirror": 1})
