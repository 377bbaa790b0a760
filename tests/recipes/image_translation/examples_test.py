import numpy as np
import pytest
import tensorflow as tf

from recipes.data.batches import evaluation_batches, training_batches
from recipes.data.sources import MemorySource
from tests.recipes.image_translation.examples import (
    MODALITIES,
    arrays,
    coordinates,
    examples,
    source,
)

PLAIN = {"size": (16, 24)}


def assert_same(first, second):
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_have_static_shapes_and_are_in_range():
    for dataset, weights in (
        (training_batches(source(), examples(), 2), ()),
        (evaluation_batches(source(), examples(), 2), (tf.TensorSpec((2,), tf.float32),)),
    ):
        inputs, target, *rest = dataset.element_spec
        assert inputs == {
            "depth": tf.TensorSpec((2, 8, 12, 2), tf.float32),
            "normal": tf.TensorSpec((2, 8, 12, 3), tf.float32),
        }
        assert target == tf.TensorSpec((2, 8, 12, 3), tf.float32)
        assert tuple(rest) == weights
        for batch in dataset.take(2):
            for image in tf.nest.flatten(batch):
                assert image.numpy().min() >= -1 and image.numpy().max() <= 1


def test_without_augmentation_images_are_as_they_are_stored():
    inputs, target = next(iter(training_batches(source(), examples(augmentation=PLAIN), 5)))
    data = arrays()
    expected = data["rgb"] / 127.5 - 1
    order = [int(np.abs(expected - x).mean((1, 2, 3)).argmin()) for x in target.numpy()]
    assert sorted(order) == [0, 1, 2, 3, 4] and order != [0, 1, 2, 3, 4]
    np.testing.assert_allclose(target, expected[order], atol=1e-6)
    depth = 2 * np.log(1 + data["depth"][order].astype("float64")) / 11.1 - 1
    np.testing.assert_allclose(inputs["depth"][..., :1], depth, atol=1e-6)
    valid = inputs["depth"][..., 1].numpy()
    assert not valid[:, 2:5, 3:9].any() and valid.sum() == 5 * (16 * 24 - 3 * 6)


def test_start_step_continues_the_same_run():
    whole = list(training_batches(source(), examples(), 2, seed=7).take(7))
    for step in (1, 6):  # in the middle of an epoch of 2.5 batches, and in a later one
        (resumed,) = training_batches(source(), examples(), 2, 7, start_step=step).take(1)
        assert_same(resumed, whole[step])
    other = next(iter(training_batches(source(), examples(), 2, seed=8)))
    assert not np.array_equal(other[1], whole[0][1])


def test_domains_stay_aligned_and_mirrors_negate_what_points_sideways():
    augmentation = {"resize": (20, 30), "size": (12, 16), "mirror": 0.5}
    made = examples(("depth", "normal", "edge"), augmentation=augmentation)
    seen = set()
    for inputs, target in training_batches(MemorySource([coordinates()]), made, 1).take(12):
        columns = np.rint((target.numpy()[0, ..., 0] + 1) * 127.5 / 8)
        log_depth = (inputs["depth"].numpy()[0, ..., 0] + 1) / 2 * 11.1
        np.testing.assert_allclose(np.exp(log_depth) - 1, columns, atol=1e-3)
        edge = (inputs["edge"].numpy()[0, ..., 0] + 1) / 2 * 11584
        np.testing.assert_allclose(edge, columns * 100, atol=1e-2)
        mirrored = columns[0, 0] > columns[0, 1]
        sign = -1 if mirrored else 1
        np.testing.assert_allclose(
            inputs["normal"][0], target[0] * np.array([sign, 1, 1]), atol=1e-6
        )
        seen.add((bool(mirrored), int(columns.min())))
    assert {mirrored for mirrored, _ in seen} == {False, True}
    assert len({first for _, first in seen}) > 3


def test_a_mirror_channel_may_be_written_as_a_number():
    normal = {**MODALITIES["normal"], "mirror_channels": 0}
    made = examples(modalities={**MODALITIES, "normal": normal}, augmentation=PLAIN | {"mirror": 1})
    example = {name: tf.constant(image[0]) for name, image in arrays(1).items() if name != "id"}
    inputs, _ = made.training(example, tf.constant("a"), tf.zeros(3))
    expected = (example["normal"].numpy()[:, ::-1] / 127.5 - 1) * [-1, 1, 1]
    np.testing.assert_allclose(inputs["normal"], expected, atol=1e-6)


def test_no_depth_is_made_up_between_holes_and_their_neighbours():
    depth = np.zeros((1, 16, 24, 1), "uint16")
    depth[:, :, 11:] = 65535
    ((inputs, _, _),) = evaluation_batches(source(1, depth=depth), examples(), 1)
    far = np.float32(2 * np.log(65536) / 11.1 - 1)
    np.testing.assert_allclose(np.unique(inputs["depth"][..., 0]), [-1, far], atol=1e-6)


def test_evaluation_keeps_order_and_weighs_the_filling_0():
    dataset = evaluation_batches(source(), examples(augmentation=PLAIN), 2)
    assert len(dataset) == 3
    batches = list(dataset)
    target = np.concatenate([batch[1] for batch in batches])
    np.testing.assert_allclose(target[:5], arrays()["rgb"] / 127.5 - 1, atol=1e-6)
    weights = np.concatenate([batch[2] for batch in batches])
    assert weights.tolist() == [1, 1, 1, 1, 1, 0]
    assert not target[5].any() and not batches[2][0]["depth"].numpy()[1].any()


def test_images_are_averaged_where_they_become_smaller():
    stripes = np.zeros((1, 16, 24, 3), "uint8")
    stripes[:, :, ::4] = 255  # which interpolation between two neighbours would not see
    made = examples(augmentation={"size": (4, 6)})
    ((_, target, _),) = evaluation_batches(source(1, rgb=stripes), made, 1)
    np.testing.assert_allclose(target[:, :, 1:-1], np.full((1, 4, 4, 3), -0.5), atol=0.05)


def test_what_a_network_sees_of_images_without_a_target():
    made = examples()
    images = {name: tf.constant(image[0]) for name, image in arrays(1).items() if name != "id"}
    whole, _, _ = made.evaluation(images, tf.constant("a"))
    found = made.network_inputs({name: images[name] for name in ("depth", "normal")}, "a")
    assert list(found) == ["depth", "normal"]
    assert_same(found, whole)
    alone = made.network_inputs({"normal": images["normal"]}, "a")  # the other sensor is absent
    assert_same(alone, {"normal": whole["normal"]})
    wrong = {"depth": images["depth"], "normal": images["normal"][:8]}
    message = r"`normal` and `depth` must have the same height and width.*\[8 24\] and \[16 24\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        made.network_inputs(wrong, "a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": ()}, "`inputs` must be distinct"),
        ({"inputs": ("depth", "depth")}, "`inputs` must be distinct"),
        ({"inputs": ("depth", "rgb")}, "`target` another one.*target='rgb'"),
        ({"inputs": ("depth", "curvature")}, "none for .'curvature'."),
        ({"inputs": ("normal",), "target": "depth"}, "must not be set for the target"),
        ({"augmentation": {"resize": (8, 8), "size": (9, 8)}}, "at most `augmentation.resize`"),
        ({"augmentation": {"resize": (8, 8)}}, "`config.augmentation` must have the keys.*no size"),
        ({"augmentation": {"size": 8}}, "`config.augmentation.size` must be.*Received: size=8"),
        ({"augmentation": {"size": (8, 0)}}, "`config.augmentation.size` must be .height, width."),
        ({"augmentation": {"size": (8, 8), "resize": (9,)}}, "`config.augmentation.resize` must"),
        ({"augmentation": {"size": (8, 8), "mirror": 2}}, "`config.augmentation.mirror` must be"),
        ({"augmentation": {"size": (8, 8), "mirror": "a"}}, "`config.augmentation.mirror` must be"),
        ({"augmentation": {"size": (8, 8), "crop": 2}}, "unknown crop"),
    ],
)
def test_unusable_settings(change, message):
    with pytest.raises(ValueError, match=message):
        examples(**change)


def test_missing_domain():
    bare = MemorySource({name: arrays()[name] for name in ("rgb", "depth")})
    for make in (training_batches, evaluation_batches):
        message = r"entries \['normal'\].*entries \['depth', 'rgb'\]"
        with pytest.raises(ValueError, match=message):
            make(bare, examples(), 2)


def test_wrong_channels():
    with pytest.raises(ValueError, match=r"'normal'.*must be \(height, width, 3\)"):
        training_batches(source(normal=np.zeros((5, 16, 24, 1), "uint8")), examples(), 2)


@pytest.mark.parametrize(
    ("normal", "message"),
    [
        (np.zeros((16, 23, 3), "uint8"), r"`room1`: `normal` and `rgb` must.*\[16 23\] and"),
        (np.zeros((0, 0, 3), "uint8"), r"`room1`: `normal` must have pixels: it is missing"),
    ],
)
def test_an_example_with_another_size_or_none_is_named(normal, message):
    images = [{name: value[index] for name, value in arrays().items()} for index in range(3)]
    images[1]["normal"] = normal
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(evaluation_batches(MemorySource(images), examples(), 1))
