import numpy as np
import pytest
import tensorflow as tf

from recipes.image_translation.input_pipeline import eval_dataset, steps_per_epoch, train_dataset
from tests.recipes.image_translation.examples import CONFIG, arrays, coordinates, source

PLAIN = {**CONFIG, "augmentation": {"size": (16, 24)}}


def assert_same(first, second):
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_have_static_shapes_and_are_in_range():
    for dataset, weights in (
        (train_dataset(source(), CONFIG, 2), ()),
        (eval_dataset(source(), CONFIG, 2), (tf.TensorSpec((2,), tf.float32),)),
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


def test_without_augmentation_an_epoch_is_a_permutation():
    inputs, target = next(iter(train_dataset(source(), PLAIN, 5)))
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
    whole = list(train_dataset(source(), CONFIG, 2, seed=7).take(7))
    for step in (1, 6):  # in the middle of an epoch of 2.5 batches, and in a later one
        assert_same(next(iter(train_dataset(source(), CONFIG, 2, 7, start_step=step))), whole[step])
    other = next(iter(train_dataset(source(), CONFIG, 2, seed=8)))
    assert not np.array_equal(other[1], whole[0][1])


def test_domains_stay_aligned_and_mirrors_negate_what_points_sideways():
    one = tf.data.Dataset.from_tensors(coordinates())
    config = {**CONFIG, "inputs": ("depth", "normal", "edge")}
    config["augmentation"] = {"resize": (20, 30), "size": (12, 16), "mirror": 0.5}
    seen = set()
    for inputs, target in train_dataset(one, config, 1).take(12):
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


def test_no_depth_is_made_up_between_holes_and_their_neighbours():
    depth = np.zeros((1, 16, 24, 1), "uint16")
    depth[:, :, 11:] = 65535
    (inputs, _, _), *_ = eval_dataset(source(1, depth=depth), CONFIG, 1)
    far = np.float32(2 * np.log(65536) / 11.1 - 1)
    np.testing.assert_allclose(np.unique(inputs["depth"][..., 0]), [-1, far], atol=1e-6)


def test_evaluation_keeps_order_and_weighs_the_filling_0():
    dataset = eval_dataset(source(), PLAIN, 2)
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
    config = {**CONFIG, "augmentation": {"size": (4, 6)}}
    ((_, target, _),) = eval_dataset(source(1, rgb=stripes), config, 1)
    np.testing.assert_allclose(target[:, :, 1:-1], np.full((1, 4, 4, 3), -0.5), atol=0.05)


def test_steps_per_epoch():
    assert steps_per_epoch(source(), 2) == 2
    assert steps_per_epoch(source(), 8) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": ()}, "`inputs` must be distinct"),
        ({"inputs": ("depth", "rgb")}, "`target` another one.*target='rgb'"),
        ({"inputs": ("depth", "curvature")}, "none for .'curvature'."),
        ({"augmentation": {"resize": (8, 8), "size": (9, 8)}}, "at most `augmentation.resize`"),
        ({"augmentation": {"resize": (8, 8)}}, "`augmentation.size` must be"),
        ({"augmentation": {"size": (8, 8), "mirror": 2}}, "probability"),
        ({"augmentation": {"size": (8, 8), "crop": 2}}, "unknown keys .'crop'."),
        ({"inputs": ("normal",), "target": "depth"}, "must not be set for the target"),
    ],
)
def test_unusable_configs(change, message):
    for make in (train_dataset, eval_dataset):
        with pytest.raises(ValueError, match=message):
            make(source(), {**CONFIG, **change}, 2)


def test_missing_domain():
    bare = source().map(lambda x: {name: x[name] for name in ("rgb", "depth")})
    with pytest.raises(ValueError, match=r"entries \['normal'\].*entries \['depth', 'rgb'\]"):
        eval_dataset(bare, CONFIG, 2)


def test_wrong_channels():
    with pytest.raises(ValueError, match=r"'normal'.*must be \(height, width, 3\)"):
        train_dataset(source(normal=np.zeros((5, 16, 24, 1), "uint8")), CONFIG, 2)


@pytest.mark.parametrize(
    ("normal", "message"),
    [
        (np.zeros((16, 23, 3), "uint8"), r"`room1`: `normal` and `rgb` must.*\[16 23\] and"),
        (np.zeros((0, 0, 3), "uint8"), r"`room1`: `normal` must have pixels: it is missing"),
    ],
)
def test_an_example_with_another_size_or_none_is_named(normal, message):
    def examples():
        for index in range(3):
            example = {name: value[index] for name, value in arrays().items()}
            yield {**example, "normal": normal} if index == 1 else example

    signature = {
        name: tf.TensorSpec((None, None, value.shape[-1]), value.dtype)
        for name, value in arrays().items()
        if name != "id"
    }
    signature["id"] = tf.TensorSpec((), tf.string)
    broken = tf.data.Dataset.from_generator(examples, output_signature=signature)
    broken = broken.apply(tf.data.experimental.assert_cardinality(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(eval_dataset(broken, CONFIG, 1))
