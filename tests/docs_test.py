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


def test_the_equations_are_in_the_lines_that_are_quoted():
    text = (DOCS / "equations.md").read_text()
    rows = re.findall(r"^\| .* \| `(keras_asym/[^`]+)` \| `(.+)` \|$", text, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| .*`keras_asym/", text, re.MULTILINE)) > 12
    for path, line in rows:
        code = (DOCS.parent / path).read_text().splitlines()
        assert line in [x.strip() for x in code], f"{path}: {line}"


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


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the code exports a SavedModel")
def test_the_tutorials(tmp_path):
    """Without graphs: a few steps take less time than theirs."""
    import tensorflow as tf

    names = {"folder": tmp_path}
    *training, serving = blocks("tutorials.md")
    assert "export_saved_model" in serving
    tf.config.run_functions_eagerly(True)
    try:
        for block in training:
            exec(compile(block, "tutorials.md", "exec"), names)
    finally:
        tf.config.run_functions_eagerly(False)
    exec(compile(serving, "tutorials.md", "exec"), names)
    assert names["logits"].shape == (4, 64, 96, 5)
    np.testing.assert_allclose(names["logits"][2:], names["at_night"][2:], atol=1e-5)
    assert names["painted"].shape == (2, 32, 32, 1)
    assert (Path(names["path"]) / "saved_model.pb").exists()


def part_layers(model):
    """The layers of a selection, in which those of the model stand."""
    layers = model.select(["rgb"]).network.layers
    return [x for x in layers if isinstance(x, SelectedModalities)]
