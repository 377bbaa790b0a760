import keras
import numpy as np
import pytest

from recipes.data.array_source import ArraySource
from recipes.image_translation.array_pipeline import eval_batches, train_batches
from recipes.image_translation.input_pipeline import eval_dataset
from tests.recipes.image_translation.examples import CONFIG, arrays, coordinates, source


def test_evaluation_yields_the_values_of_tf_data():
    config = {**CONFIG, "inputs": ("depth", "edge", "normal")}
    batches = eval_batches(ArraySource(arrays()), config, 2)
    expected = list(eval_dataset(source(), config, 2))
    assert len(batches) == len(expected) == 3
    for index, batch in enumerate(expected):
        ours = batches[index]
        assert list(ours[0]) == list(config["inputs"])
        for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(batch), strict=True):
            assert a.dtype == "float32"
            np.testing.assert_allclose(a, b, atol=2e-6)


def test_training_stays_aligned():
    config = {**CONFIG, "augmentation": {"resize": (20, 30), "size": (12, 16), "mirror": 0.5}}
    batches = train_batches([coordinates()], config, 4)
    mirrors = set()
    for step in range(4):
        inputs, target = batches[step]
        assert target.shape == (4, 12, 16, 3) and inputs["depth"].shape == (4, 12, 16, 2)
        for depth, normal, rgb in zip(inputs["depth"], inputs["normal"], target, strict=True):
            columns = np.rint((rgb[..., 0] + 1) * 127.5 / 8)
            np.testing.assert_allclose(np.exp((depth[..., 0] + 1) / 2 * 11.1) - 1, columns, 1e-3)
            sign = -1 if columns[0, 0] > columns[0, 1] else 1
            np.testing.assert_allclose(normal, rgb * np.array([sign, 1, 1]), atol=1e-6)
            mirrors.add(sign)
    assert mirrors == {-1, 1}


def test_missing_domain_of_an_example_is_named():
    examples = [{name: value[index] for name, value in arrays().items()} for index in range(3)]
    del examples[1]["normal"]
    batches = eval_batches(examples, CONFIG, 1)
    with pytest.raises(ValueError, match=r"Example `room1`.*must have the entries \['normal'\]"):
        batches[1]
    examples[2]["rgb"] = examples[2]["rgb"][:8]
    with pytest.raises(ValueError, match=r"Example `room2`: `depth` and `rgb` must have the same"):
        batches[2]
