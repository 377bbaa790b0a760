"""The Python code of the documentation, run as it stands there."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_asym.layers import SelectedModalities

DOCS = Path(__file__).parents[1] / "docs"


def blocks(name):
    return re.findall(r"^```python\n(.*?)^```", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the code exports a SavedModel")
def test_a_strategy_of_ones_own(tmp_path):
    found = blocks("networks.md")
    assert len(found) == 2
    names = {"folder": tmp_path}
    for block in found:
        exec(compile(block, "networks.md", "exec"), names)
    assert (tmp_path / "served" / "1" / "saved_model.pb").exists()
    model = names["model"]
    weights = [x.layer for x in part_layers(model) if isinstance(x.layer, names["Lean"])]
    assert len(weights) == 1
    for layer in weights:
        layer.weight.assign(keras.random.normal(layer.weight.shape))
    images = {name: keras.random.normal(x.shape) for name, x in names["images"].items()}
    present = np.array([[True, False], [True, True]])
    masked = model({**images, "present": present})["rgb"]
    alone = model.select(["rgb"])({"rgb": images["rgb"]})["rgb"]
    np.testing.assert_allclose(masked[0], alone[0], atol=1e-5)
    np.testing.assert_allclose(masked[1], model(images)["rgb"][1], atol=1e-5)
    assert not np.allclose(masked[1], alone[1], atol=1e-3)


def part_layers(model):
    """The layers of a selection, in which those of the model stand."""
    layers = model.select(["rgb"]).network.layers
    return [x for x in layers if isinstance(x, SelectedModalities)]
