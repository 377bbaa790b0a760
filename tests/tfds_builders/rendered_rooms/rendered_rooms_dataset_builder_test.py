import itertools

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tfds_builders.rendered_rooms import CLASS_NAMES, render, render_sensors
from tfds_builders.rendered_rooms.conditions import CONDITIONS
from tfds_builders.rendered_rooms.rendered_rooms_dataset_builder import (
    FIRST_SEED,
    NUM_EXAMPLES,
    NUM_SENSOR_EXAMPLES,
    SEEDS_PER_SPLIT,
    Builder,
    RenderedRoomsConfig,
)
from tfds_builders.rendered_rooms.suite import FAILURES, SENSORS

NUMBERS = {"train": 3, "validation": 1, "test": 2}


@pytest.fixture(scope="module", params=["tfrecord", "parquet"])
def builder(request, tmp_path_factory):
    config = RenderedRoomsConfig(64, 48, NUMBERS)
    builder = tfds.builder(
        "rendered_rooms",
        config=config,
        data_dir=tmp_path_factory.mktemp("data"),
        file_format=request.param,
    )
    builder.download_and_prepare()
    return builder


def check(examples, split, number):
    examples = {_text(example["id"]): example for example in examples}
    assert sorted(examples) == [f"{split}/{index:06d}" for index in range(number)]
    for index in range(number):
        example = examples[f"{split}/{index:06d}"]
        frame = render(FIRST_SEED[split] + index, 64, 48)
        assert set(example) == {"id", *frame}
        for name, array in frame.items():
            assert example[name].dtype == array.dtype
            np.testing.assert_array_equal(example[name], array, err_msg=name)


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("split", NUMBERS)
def test_both_readers_give_the_rendered_arrays(builder, split):
    check(tfds.as_numpy(builder.as_dataset(split=split)), split, NUMBERS[split])
    if builder.info.file_format.value == "parquet":  # a data source cannot read tfrecord
        check(builder.as_data_source(split=split), split, NUMBERS[split])


def test_class_names_survive_a_reload(builder):
    again = tfds.builder_from_directory(builder.data_dir)
    assert tuple(again.info.features["label"].names) == CLASS_NAMES
    assert {s: i.num_examples for s, i in again.info.splits.items()} == NUMBERS


def test_registered_configurations(tmp_path):
    for name, shape in (("160x120", (120, 160, 3)), ("320x240", (240, 320, 3))):
        builder = tfds.builder(f"rendered_rooms/{name}", data_dir=tmp_path)
        assert builder.info.features["rgb"].shape == shape
        assert builder.builder_config.num_examples == NUM_EXAMPLES
        assert "flush" in builder.info.description
    assert "Taskonomy" in builder.info.citation


def test_sensors_are_stored_as_rendered(tmp_path):
    config = RenderedRoomsConfig(32, 24, NUMBERS, sensors=True)
    builder = tfds.builder("rendered_rooms", config=config, data_dir=tmp_path)
    builder.download_and_prepare()
    assert builder.info.metadata["sensors"] == list(SENSORS)
    for example in tfds.as_numpy(builder.as_dataset(split="train")):
        index = int(_text(example["id"]).rpartition("/")[2])
        frame = render_sensors(FIRST_SEED["train"] + index, 32, 24)
        assert CONDITIONS[example["condition"]] == frame["condition"]
        assert FAILURES[example["failure"]] == frame["failure"]
        for name in (*SENSORS, "label", "present"):
            assert example[name].dtype == frame[name].dtype
            np.testing.assert_array_equal(example[name], frame[name], err_msg=name)


def test_the_configuration_with_sensors_is_known_by_name(tmp_path):
    builder = tfds.builder("rendered_rooms/sensors", data_dir=tmp_path)
    assert builder.builder_config.num_examples == NUM_SENSOR_EXAMPLES
    assert sum(NUM_SENSOR_EXAMPLES.values()) == 600
    assert set(SENSORS) < set(builder.info.features)
    same = Builder(config=RenderedRoomsConfig(sensors=True), data_dir=tmp_path)
    assert same.builder_config.name == "sensors"


def test_configuration_names():
    assert RenderedRoomsConfig(64, 48, {"test": 2}, sensors=True).name == "sensors_64x48_test2"
    assert RenderedRoomsConfig(160, 120).name == "160x120"
    assert RenderedRoomsConfig(160, 120, {"test": 2, "train": 9}).name == "160x120_train9_test2"


def test_equal_copy_of_a_registered_configuration(tmp_path):
    builder = Builder(config=RenderedRoomsConfig(160, 120), data_dir=tmp_path)
    assert builder.builder_config.name == "160x120"


@pytest.mark.parametrize(
    "numbers", [{"trian": 3}, {"train": 0}, {"train": SEEDS_PER_SPLIT + 1}, {}]
)
def test_bad_number_of_examples(numbers):
    with pytest.raises(ValueError, match="`num_examples` must"):
        RenderedRoomsConfig(160, 120, numbers)


def test_splits_have_disjoint_seeds():
    first = sorted(FIRST_SEED.values())
    assert set(FIRST_SEED) == set(NUM_EXAMPLES)
    assert all(b - a >= SEEDS_PER_SPLIT for a, b in itertools.pairwise(first))
