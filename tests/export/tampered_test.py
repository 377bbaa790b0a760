"""A model's folder that somebody has changed executes nothing."""

import json
import pickle
import shutil
import zipfile

import keras
import pytest

from recipes.evaluate import evaluate_run
from recipes.export import export_run
from recipes.predict import predict_folder
from recipes.segmentation.configs import rendered_rooms
from recipes.segmentation.task import Segmentation
from tests.models.tiny import tiny_segmenter


@pytest.fixture
def run(tmp_path):
    """The folder of a run with an untrained model."""
    workdir = tmp_path / "run"
    workdir.mkdir()
    config = rendered_rooms.get_config()
    config.data.data_dir = str(tmp_path / "data")
    config.data.num_examples = {"train": 1, "validation": 1, "test": 1}
    (workdir / "config.json").write_text(config.to_json())
    tiny_segmenter(2).save(workdir / "best.keras")
    return workdir


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def rewrite(path, member, change):
    """Replaces one member of an archive."""
    old = path.with_suffix(".old")
    shutil.move(path, old)
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name == member else data)


def with_lambda(mark):
    """The configuration with a Lambda layer, which leaves a mark, where an activation stands."""

    def change(data):
        config, path = json.loads(data), str(mark)
        layer = keras.layers.Lambda(
            lambda x: __import__("os").makedirs(path, exist_ok=True) or x,
            name="conv1_relu",
        )
        for old in config["config"]["network"]["config"]["layers"]:
            if old["name"] == "conv1_relu":
                old.update(keras.saving.serialize_keras_object(layer))
        return json.dumps(config).encode()

    return change


def with_function(module, name, argument):
    """The configuration with a function of any module where an activation stands."""

    def change(data):
        config = json.loads(data)
        for layer in config["config"]["network"]["config"]["layers"]:
            if "activation" in layer["config"]:
                layer["config"]["activation"] = {
                    "module": module,
                    "class_name": "function",
                    "config": name,
                    "registered_name": name,
                }
        return json.dumps(config).encode()

    return change


COMMANDS = {
    "export": lambda run, out: export_run(Segmentation, run, out),
    "evaluate": lambda run, out: evaluate_run(Segmentation, run),
    "predict": lambda run, out: predict_folder(Segmentation, run, out, out),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_lambda_layer_is_refused(run, command, tmp_path):
    mark = tmp_path / "executed"
    rewrite(run / "best.keras", "config.json", with_lambda(mark))
    with pytest.raises(ValueError, match=r"(?i)lambda"):
        COMMANDS[command](run, tmp_path)
    assert not mark.exists()
    keras.saving.load_model(run / "best.keras", compile=False, safe_mode=False)
    assert mark.exists()  # where nobody refuses it, it runs


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "eval")])
def test_a_function_of_another_module_is_refused(run, module, name, tmp_path):
    rewrite(run / "best.keras", "config.json", with_function(module, name, ""))
    with pytest.raises((ValueError, TypeError), match=name):
        export_run(Segmentation, run, tmp_path / "out")


@pytest.mark.parametrize("member", ["model.weights.h5", "config.json"])
def test_a_pickle_in_the_archive_is_not_read(run, member, tmp_path):
    mark = tmp_path / "executed"
    rewrite(run / "best.keras", member, lambda data: pickle.dumps(Payload(mark)))
    with pytest.raises((ValueError, OSError, UnicodeDecodeError)):
        export_run(Segmentation, run, tmp_path / "out")
    assert not mark.exists()


def test_a_pickle_instead_of_the_archive_is_not_read(run, tmp_path):
    mark = tmp_path / "executed"
    (run / "best.keras").write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises((ValueError, OSError)):
        export_run(Segmentation, run, tmp_path / "out")
    assert not mark.exists()
    pickle.loads(pickle.dumps(Payload(mark))).close()
    assert mark.exists()  # where it is read, it runs
