import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_asym.training import ModelCheckpoint, read_state


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


def run(callback, model, values):
    callback.set_model(model)
    for epoch, value in enumerate(values):
        model.layers[0].bias.assign(np.full(2, float(epoch)))
        callback.on_epoch_end(epoch, {"score": value})


def bias_of(path):
    return float(keras.models.load_model(path).layers[0].bias.numpy()[0])


def test_the_last_and_the_best_model_are_kept(tmp_path, model):
    run(ModelCheckpoint(tmp_path, "score"), model, [0.1, 0.5, 0.3])
    assert bias_of(tmp_path / "last.keras") == 2
    assert bias_of(tmp_path / "best.keras") == 1
    state = read_state(tmp_path)
    assert (state["epoch"], state["best"], state["best_epoch"]) == (3, 0.5, 2)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_second_callback_remembers_the_best(tmp_path, model):
    run(ModelCheckpoint(tmp_path, "score"), model, [0.1, 0.5])
    run(ModelCheckpoint(tmp_path, "score"), model, [0.4])
    assert bias_of(tmp_path / "best.keras") == 1


def test_the_best_epoch_is_kept_when_no_checkpoint_is_due(tmp_path, model):
    run(ModelCheckpoint(tmp_path, "score", every=3), model, [0.1, 0.5, 0.3])
    assert bias_of(tmp_path / "best.keras") == 1
    assert bias_of(tmp_path / "last.keras") == 2


def test_every_second_epoch_and_the_end(tmp_path, model):
    callback = ModelCheckpoint(tmp_path, "other", every=2)
    run(callback, model, [0.1])
    assert read_state(tmp_path) is None
    run(callback, model, [0.1, 0.2, 0.3])
    assert read_state(tmp_path)["epoch"] == 2
    callback.on_train_end()
    assert read_state(tmp_path)["epoch"] == 3


def test_without_a_monitored_value_the_last_is_the_best(tmp_path, model):
    callback = ModelCheckpoint(tmp_path, "absent")
    run(callback, model, [0.0, 0.0])
    assert bias_of(tmp_path / "best.keras") == 1


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(("mode", "values"), [("max", [0.1, 0.5]), ("min", [0.5, 0.1])])
def test_what_is_no_number_is_never_the_best(broken, mode, values, tmp_path, model):
    callback = ModelCheckpoint(tmp_path, "score", mode)
    run(callback, model, [broken, broken])
    assert (callback.best, callback.best_epoch) == (None, None)
    assert bias_of(tmp_path / "best.keras") == 1  # as without a value
    run(callback, model, [broken, values[0], broken, values[1], broken])
    assert (callback.best, callback.best_epoch) == (values[1], 4)
    assert bias_of(tmp_path / "best.keras") == 3
    assert bias_of(tmp_path / "last.keras") == 4


def test_a_best_value_that_was_no_number_is_forgotten(tmp_path, model):
    run(ModelCheckpoint(tmp_path, "score"), model, [0.1])
    state = {**read_state(tmp_path), "best": float("nan")}
    (tmp_path / "state.json").write_text(json.dumps(state))
    assert read_state(tmp_path)["best"] is None
    run(ModelCheckpoint(tmp_path, "score"), model, [0.05])
    assert read_state(tmp_path)["best"] == 0.05


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "3", "{}", '{"epoch": 1, "best": "x", "best_epoch": 1}']
)
def test_a_damaged_state_is_named(content, tmp_path):
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(ValueError, match=r"state\.json is damaged: .*Remove it"):
        ModelCheckpoint(tmp_path, "score")


@pytest.mark.parametrize(
    "error", [PermissionError(1, "not permitted"), OSError(95, "no"), NotImplementedError()]
)
def test_a_file_system_without_hard_links(error, tmp_path, model, monkeypatch):
    def link(source, target):
        raise error

    monkeypatch.setattr(os, "link", link)
    run(ModelCheckpoint(tmp_path, "score"), model, [0.1, 0.5, 0.3])
    assert bias_of(tmp_path / "last.keras") == 2
    assert bias_of(tmp_path / "best.keras") == 1
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"last.keras", "best.keras", "state.json"}


def test_another_process_writes(tmp_path, model):
    run(ModelCheckpoint(tmp_path / "run", "score", writes=False), model, [0.1, 0.5])
    assert not (tmp_path / "run").exists()


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, model):
    run(ModelCheckpoint(tmp_path, "score"), model, [0.1])
    before = (tmp_path / "last.keras").read_bytes()
    # A limit on the size of files fails a write half-way, as a full disk does.
    program = """
import resource, signal, sys, keras
from keras_asym.training import ModelCheckpoint
model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)])
model.compile("sgd", "mse")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
callback = ModelCheckpoint(sys.argv[1], "score")
callback.set_model(model)
callback.on_epoch_end(1, {"score": 0.9})
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "could not be written" in done.stderr and "last good one" in done.stderr
    assert (tmp_path / "last.keras").read_bytes() == before
    assert read_state(tmp_path)["epoch"] == 1
    assert not (tmp_path / ".writing.keras").exists()
