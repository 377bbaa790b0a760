"""The Python code of the documentation, run as it stands there."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_asym.layers import SelectedModalities

DOCS = Path(__file__).parents[1] / "docs"
RUN = {"index.md", "networks.md", "presets.md", "recipes.md", "tutorials.md"}


def blocks(name):
    return re.findall(r"^```python\n(.*?)^```", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)


def run(name, number, names=None):
    """The names that a block has in the end; it may use `names`, to which its own are added."""
    names = {} if names is None else names
    exec(compile(blocks(name)[number], name, "exec"), names)
    return names


def test_no_page_has_a_block_that_is_not_run_here():
    assert {path.name for path in DOCS.glob("*.md") if blocks(path.name)} == RUN


def test_the_start_page():
    model = run("index.md", 0)["model"]
    assert model.modality_names == ("rgb", "depth", "thermal") and model.optimizer is not None


@pytest.mark.slow
def test_the_readme():
    names = run("../README.md", 0)
    assert names["logits"]["ensemble"].shape == (4, 96, 128, 13)
    assert names["without_rgb"].modality_names == ("depth", "thermal")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the recipes need TensorFlow")
def test_a_config_and_a_callback_of_ones_own():
    config = run("recipes.md", 0)["get_config"]()
    assert config.data.class_names == ("soil", "leaf", "apple")
    assert isinstance(run("recipes.md", 1)["make"](None), keras.callbacks.Callback)


def test_a_preset_of_ones_own_and_a_released_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, random = keras.Input((None, None, 3)), np.random.default_rng(0)
    rgb = random.integers(0, 256, (1, 16, 16, 3)).astype("uint8")
    depth = random.integers(0, 5000, (1, 16, 16, 1)).astype("uint16")
    network = keras.Model(x, keras.layers.Conv2D(2, 1)(keras.layers.BatchNormalization()(x)))
    model = run("presets.md", 1, {"network": network, "class_names": ["floor", "wall"]})["model"]
    expected = model.predict({"rgb": rgb, "depth": depth}, verbose=0)
    outputs = run("presets.md", 0, {"rgb": rgb, "depth": depth})["outputs"]
    for key in expected:
        np.testing.assert_array_equal(outputs[key], expected[key])
    monkeypatch.chdir(DOCS.parent)
    outputs = run("../presets/README.md", 0, {"rgb": rgb, "depth": depth})["outputs"]
    assert outputs["ensemble"].shape[:3] == (1, 16, 16)


def test_the_equations_are_in_the_lines_that_are_quoted():
    text = (DOCS / "equations.md").read_text()
    rows = re.findall(r"^\| .* \| `(keras_asym/[^`]+)` \| `(.+)` \|$", text, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| .*`keras_asym/", text, re.MULTILINE)) > 12
    for path, line in rows:
        code = (DOCS.parent / path).read_text().splitlines()
        assert line in [x.strip() for x in code], f"{path}: {line}"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the code exports a SavedModel")
def test_a_strategy_of_ones_own(tmp_path):
    assert len(blocks("networks.md")) == 2
    names = {"folder": tmp_path}
    for number in range(2):
        run("networks.md", number, names)
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
    *training, serving = range(len(blocks("tutorials.md")))
    assert "export_saved_model" in blocks("tutorials.md")[serving]
    tf.config.run_functions_eagerly(True)
    try:
        for number in training:
            run("tutorials.md", number, names)
    finally:
        tf.config.run_functions_eagerly(False)
    run("tutorials.md", serving, names)
    assert names["logits"].shape == (4, 64, 96, 5)
    np.testing.assert_allclose(names["logits"][2:], names["at_night"][2:], atol=1e-5)
    assert names["painted"].shape == (2, 32, 32, 1)
    assert (Path(names["path"]) / "saved_model.pb").exists()


def part_layers(model):
    """The layers of a selection, in which those of the model stand."""
    layers = model.select(["rgb"]).network.layers
    return [x for x in layers if isinstance(x, SelectedModalities)]
