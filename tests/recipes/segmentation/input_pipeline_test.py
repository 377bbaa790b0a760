import numpy as np
import pytest
import tensorflow as tf

from recipes.segmentation.input_pipeline import eval_dataset, steps_per_epoch, train_dataset

CONFIG = {
    "num_classes": 4,
    "modalities": {
        "rgb": {"channels": 3, "scale": 1 / 255, "mean": 0.5, "interpolation": "bicubic"},
        "depth": {"channels": 1, "scale": 0.001},
    },
    "augmentation": {"size": (10, 14), "scale": (0.5, 2.0), "shorter_side": 6, "mirror": 0.5},
}
PLAIN = {**CONFIG, "augmentation": {"size": (8, 12)}}


def arrays(count=5, height=8, width=12):
    generator = np.random.default_rng(0)
    return {
        "rgb": generator.integers(0, 256, (count, height, width, 3)).astype("uint8"),
        "depth": generator.integers(0, 9000, (count, height, width, 1)).astype("uint16"),
        "label": generator.integers(0, 4, (count, height, width, 1)).astype("uint8"),
        "id": np.array([f"room{index}" for index in range(count)]),
    }


def source(**changes):
    return tf.data.Dataset.from_tensor_slices({**arrays(), **changes})


def sizes_differ():
    def examples():
        for height, width in ((8, 12), (6, 9), (8, 12)):
            example = {name: value[0] for name, value in arrays(1, height, width).items()}
            example.pop("id")
            yield example

    signature = {
        "rgb": tf.TensorSpec((None, None, 3), tf.uint8),
        "depth": tf.TensorSpec((None, None, 1), tf.uint16),
        "label": tf.TensorSpec((None, None, 1), tf.uint8),
    }
    dataset = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(3))


def assert_same(first, second):
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_train_batches_have_static_shapes():
    images, labels = train_dataset(source(), CONFIG, 2).element_spec
    assert images["rgb"] == tf.TensorSpec((2, 10, 14, 3), tf.float32)
    assert images["depth"] == tf.TensorSpec((2, 10, 14, 1), tf.float32)
    assert labels == tf.TensorSpec((2, 10, 14), tf.int32)


def test_a_validity_channel():
    data = arrays()
    data["depth"][:, 2:4] = 0
    spec = {"channels": 1, "scale": 0.001, "mean": 2.0, "invalid": 0, "validity": True}
    config = {**CONFIG, "modalities": {"depth": spec}}
    images, labels = train_dataset(source(depth=data["depth"]), config, 2).element_spec
    assert images["depth"] == tf.TensorSpec((2, 10, 14, 2), tf.float32)
    for batches in (
        train_dataset(source(depth=data["depth"]), config, 2),
        eval_dataset(source(depth=data["depth"]), {**config, "eval_size": (10, 14)}, 2),
    ):
        images, labels = next(iter(batches))
        depth, valid = np.moveaxis(images["depth"].numpy(), -1, 0)
        assert set(np.unique(valid)) == {0, 1}
        assert (depth[valid == 0] == 0).all() and (depth[valid == 1] > -2).all()
        assert (valid[labels.numpy() == 255] == 0).all()  # padding is not measured


def test_without_augmentation_an_epoch_is_a_permutation():
    images, labels = next(iter(train_dataset(source(), PLAIN, 5)))
    data = arrays()
    order = [
        int(np.flatnonzero((data["label"][..., 0] == x.numpy()).all((1, 2)))[0]) for x in labels
    ]
    assert sorted(order) == [0, 1, 2, 3, 4] and order != [0, 1, 2, 3, 4]
    np.testing.assert_allclose(images["rgb"], data["rgb"][order] / 255 - 0.5, atol=1e-6)
    np.testing.assert_allclose(images["depth"], data["depth"][order] * 0.001, atol=1e-5)


def test_epochs_have_different_orders():
    first, second = (labels.numpy() for _, labels in train_dataset(source(), PLAIN, 5).take(2))
    assert not np.array_equal(first, second)


def test_shards_together_are_the_whole_batches():
    pipelines, replicas, batch_size = 2, 4, 8
    data = arrays(11)
    whole_train = list(train_dataset(source(**data), CONFIG, batch_size, 7, start_step=1).take(3))
    whole_eval = list(eval_dataset(source(**data), CONFIG, batch_size))
    shards = []
    for pipeline in range(pipelines):
        context = tf.distribute.InputContext(pipelines, pipeline, replicas)
        train = train_dataset(
            source(**data), CONFIG, batch_size, 7, start_step=1, input_context=context
        )
        test = eval_dataset(source(**data), CONFIG, batch_size, input_context=context)
        assert train.element_spec[1].shape == (2, 10, 14)
        assert test.element_spec[1].shape == (2, 8, 12) and len(test) == 2 * len(whole_eval)
        shards.append((list(train.take(6)), list(test)))
    for kind, whole in enumerate((whole_train, whole_eval)):
        for step, batch in enumerate(whole):
            parts = [part for shard in shards for part in shard[kind][2 * step : 2 * step + 2]]
            assert_same(tf.nest.map_structure(lambda *x: tf.concat(x, 0), *parts), batch)


def test_a_strategy_distributes_the_pipelines():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    distributed = strategy.distribute_datasets_from_function(
        lambda context: train_dataset(source(), CONFIG, 2, input_context=context)
    )
    assert_same(next(iter(distributed)), next(iter(train_dataset(source(), CONFIG, 2))))
    context = tf.distribute.InputContext(1, 0, 3)
    with pytest.raises(ValueError, match="divisible"):
        eval_dataset(source(), CONFIG, 4, input_context=context)


def test_start_step_continues_the_same_run():
    whole = list(train_dataset(source(), CONFIG, 2, seed=7).take(7))
    for step in (1, 3, 6):  # in the middle of an epoch of 2.5 batches, and in later epochs
        assert_same(next(iter(train_dataset(source(), CONFIG, 2, 7, start_step=step))), whole[step])
    skipped = next(iter(train_dataset(source(), CONFIG, 2, seed=7).skip(3)))
    assert_same(skipped, whole[3])


def test_the_seed_decides():
    first, again, other = (
        next(iter(train_dataset(source(), CONFIG, 2, seed=seed))) for seed in (1, 1, 2)
    )
    assert_same(first, again)
    assert not np.array_equal(first[1], other[1])


def test_each_draw_of_an_example_is_augmented_differently():
    one = tf.data.Dataset.from_tensor_slices(arrays(1))
    (first, _), (second, _) = train_dataset(one, CONFIG, 1).take(2)
    assert not np.array_equal(first["rgb"], second["rgb"])


def test_padding_is_void_in_the_mask_and_zero_in_the_images():
    config = {**CONFIG, "augmentation": {"size": (12, 14)}}
    images, labels = next(iter(train_dataset(source(), config, 2)))
    inside = np.zeros((12, 14), bool)
    inside[2:10, 1:13] = True
    assert (labels.numpy()[:, ~inside] == 255).all() and (labels.numpy()[:, inside] < 4).all()
    assert (images["rgb"].numpy()[:, ~inside] == 0).all()
    assert (images["depth"].numpy()[:, inside] > 0).mean() > 0.9


def test_evaluation_keeps_order_and_fills_the_last_batch():
    dataset = eval_dataset(source(), CONFIG, 2)
    assert len(dataset) == 3
    batches = list(dataset)
    assert [labels.shape[0] for _, labels in batches] == [2, 2, 2]
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels[:5], arrays()["label"][..., 0])
    assert (labels[5] == 255).all()
    assert (batches[2][0]["rgb"].numpy()[1] == 0).all()


def test_evaluation_of_different_sizes():
    shapes = [labels.shape[1:] for _, labels in eval_dataset(sizes_differ(), CONFIG, 1)]
    assert shapes == [(8, 12), (6, 9), (8, 12)]
    dataset = eval_dataset(sizes_differ(), {**CONFIG, "eval_size": (8, 12)}, 2)
    assert dataset.element_spec[1].shape == (2, 8, 12)
    _, labels = next(iter(dataset))
    assert (labels[1, :6, :9].numpy() < 4).all()
    assert (labels[1, 6:].numpy() == 255).all() and (labels[1, :, 9:].numpy() == 255).all()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (CONFIG, r"set `eval_size`.*\[8 12\] and \[6 9\]"),
        ({**CONFIG, "eval_size": (7, 12)}, "at most `eval_size`"),
    ],
)
def test_sizes_that_cannot_be_batched(config, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(eval_dataset(sizes_differ(), config, 2))


def test_steps_per_epoch():
    assert steps_per_epoch(source(), 2) == 2
    assert steps_per_epoch(source(), 8) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_classes": 256}, "`num_classes` must be in 1..255"),
        ({"modalities": {}}, "at least one"),
    ],
)
def test_unusable_configs(change, message):
    with pytest.raises(ValueError, match=message):
        train_dataset(source(), {**CONFIG, **change}, 2)
    with pytest.raises(ValueError, match=message):
        eval_dataset(source(), {**CONFIG, **change}, 2)


def test_batch_size():
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        train_dataset(source(), CONFIG, 0)
