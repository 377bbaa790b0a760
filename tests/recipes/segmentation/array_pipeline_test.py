import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from recipes.data.array_source import ArraySource
from recipes.segmentation.array_pipeline import eval_batches, train_batches
from recipes.segmentation.input_pipeline import eval_dataset
from tests.recipes.segmentation.augmentation_test import MODALITIES, coordinates
from tests.recipes.segmentation.input_pipeline_test import CONFIG, arrays, source
from tfds_builders.rendered_rooms.rendered_rooms_dataset_builder import Builder, RenderedRoomsConfig

HOLES = {**CONFIG["modalities"]["depth"], "invalid": 0, "validity": True}
SIZES = ((8, 12), (6, 9))
VALID = {**CONFIG, "modalities": {**CONFIG["modalities"], "depth": HOLES}}


@pytest.mark.parametrize("eval_size", [None, (10, 14)])
def test_evaluation_yields_the_values_of_tf_data(eval_size):
    config = {**VALID, "eval_size": eval_size}
    data = arrays()
    data["depth"][:, 2:4] = 0
    batches = eval_batches(ArraySource(data), config, 2)
    expected = list(eval_dataset(source(depth=data["depth"]), config, 2))
    assert len(batches) == len(expected) == 3
    for index, (images, labels) in enumerate(expected):
        ours, our_labels = batches[index]
        np.testing.assert_array_equal(our_labels, labels)
        assert our_labels.dtype == "int32" and list(ours) == ["rgb", "depth"]
        for name, image in images.items():
            np.testing.assert_allclose(ours[name], image, atol=1e-6)


def test_training_stays_aligned_and_in_shape():
    config = {
        "modalities": MODALITIES,
        "num_classes": 40,
        "augmentation": {"size": (32, 40), "scale": (0.5, 2.0), "mirror": 0.5},
    }
    images, labels = train_batches([coordinates(40, 56)], config, 6)[0]
    assert images["rgb"].shape == (6, 32, 40, 2) and images["rgb"].dtype == "float32"
    assert images["depth"].shape == (6, 32, 40, 1) and labels.shape == (6, 32, 40)
    row, column = np.moveaxis(images["rgb"], -1, 0)
    inner = (row > 3) & (row < 37) & (column > 3) & (column < 53) & (labels != 255)
    assert inner.mean() > 0.3
    assert np.abs(labels + 0.5 - row)[inner].max() <= 0.501
    assert np.abs(np.abs(images["depth"][..., 0]) / 10 - column)[inner].max() <= 0.501


def test_each_example_is_drawn_as_often_as_the_others():
    batches = train_batches(ArraySource(arrays()), {**CONFIG, "augmentation": {"size": (8, 12)}}, 2)
    labels = arrays()["label"][..., 0]
    seen = [
        int(np.flatnonzero((labels == label).all((1, 2)))[0])
        for step in range(10)  # four passes over five examples
        for label in batches[step][1]
    ]
    passes = [seen[start : start + 5] for start in range(0, 20, 5)]
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in passes)
    assert passes[0] != passes[1]


def test_start_step_goes_on_as_the_whole_run():
    whole = train_batches(ArraySource(arrays()), CONFIG, 2, seed=3)
    resumed = train_batches(ArraySource(arrays()), CONFIG, 2, seed=3, start_step=4)
    other = train_batches(ArraySource(arrays()), CONFIG, 2, seed=4)
    np.testing.assert_array_equal(resumed[1][0]["rgb"], whole[5][0]["rgb"])
    assert not np.array_equal(other[5][0]["rgb"], whole[5][0]["rgb"])


def test_broken_examples_are_named():
    data = arrays()
    data["label"][3, 0, 0] = 9
    with pytest.raises(ValueError, match=r"Example `room3`: `label` must be 0..3 or 255.*\[9\]"):
        eval_batches(ArraySource(data), CONFIG, 2)[1]
    with pytest.raises(ValueError, match="equally many examples"):
        ArraySource({**data, "rgb": data["rgb"][:2]})
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        eval_batches(ArraySource(data), CONFIG, 0)
    ragged = [{name: value[0] for name, value in arrays(1, *size).items()} for size in SIZES]
    with pytest.raises(ValueError, match=r"set `eval_size`.*\(6, 9, 1\) and \(8, 12, 1\)"):
        eval_batches(ragged, CONFIG, 2)[0]
    with pytest.raises(IndexError, match=r"`step` must be in 0..2"):
        eval_batches(ArraySource(arrays()), CONFIG, 2)[3]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_jax_trains_from_a_data_set_without_tensorflow(tmp_path):
    """In a process of its own: nothing but the building of the data set needs TensorFlow."""
    rooms = RenderedRoomsConfig(32, 24, {"train": 5, "test": 3})
    builder = Builder(config=rooms, data_dir=tmp_path, file_format="parquet")
    builder.download_and_prepare()
    result = subprocess.run(
        [sys.executable, "-m", "tests.recipes.segmentation.jax_run", str(builder.data_path)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["tensorflow"] is False
    assert report["backend"] == "jax"
    assert report["losses"][1] < report["losses"][0]
