import csv
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_asym.training import read_state
from recipes.segmentation.configs import folder
from recipes.segmentation.evaluate import evaluate_run
from recipes.segmentation.evaluation import Protocol
from recipes.segmentation.export import export_run
from recipes.segmentation.predict import predict_folder
from recipes.segmentation.train import train_and_evaluate
from tests.recipes.segmentation.tiny import tiny_config

pytestmark = [
    # Keras' data adapter leaves the iterator of an endless data set to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_dir):
    workdir = tmp_path_factory.mktemp("runs") / "run"
    results = train_and_evaluate(tiny_config(data_dir), workdir, command="python -m here")
    return workdir, results


def test_a_run_leaves_everything_behind(run):
    workdir, results = run
    names = {path.name for path in workdir.iterdir()}
    assert {"best.keras", "last.keras", "config.json", "report.html", "results.json"} <= names
    assert any((workdir / "tensorboard").iterdir())
    with open(workdir / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "rgb_loss", "val_ensemble_mean_iou"} <= set(rows[0])
    assert set(results) == {"rgb", "depth", "ensemble"}
    assert json.loads((workdir / "results.json").read_text())["images"] == 3
    report = (workdir / "report.html").read_text()
    for text in ("<span>here</span>", "ingle scale", "stack0_block0_2_bn", "ottoman", "No channel"):
        assert text in report


def test_each_stage_has_its_learning_rates(run):
    model = keras.models.load_model(run[0] / "last.keras")
    rates = [optimizer.learning_rate for optimizer in model.optimizer.optimizers]
    assert all(float(rate) < 1e-4 for rate in rates)  # stage 2, at the end of its decay


def test_the_same_command_goes_on(run, data_dir, capsys):
    workdir, results = run
    config = tiny_config(data_dir)
    (workdir / "results.json").unlink()
    assert train_and_evaluate(config, workdir) == results
    assert "Going on after epoch 2" in capsys.readouterr().out


def test_going_on_after_the_first_stage_trains_the_second(tmp_path, data_dir, monkeypatch):
    config = tiny_config(data_dir)
    fit, seen = keras.Model.fit, []

    def stop_after_one_epoch(self, *args, **kwargs):
        seen.append((kwargs["initial_epoch"], kwargs["epochs"]))
        if kwargs["initial_epoch"] == 1 and len(seen) == 2:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", stop_after_one_epoch)
    with pytest.raises(KeyboardInterrupt):
        train_and_evaluate(config, tmp_path / "run")
    assert read_state(tmp_path / "run")["epoch"] == 1
    train_and_evaluate(config, tmp_path / "run", strategy="mirrored")
    assert seen == [(0, 1), (1, 2), (1, 2)]
    assert read_state(tmp_path / "run")["epoch"] == 2


def test_another_config_is_refused(run, data_dir):
    config = tiny_config(data_dir)
    config.batch_size = 4
    with pytest.raises(ValueError, match=r"config.batch_size: 2 there, 4 asked for"):
        train_and_evaluate(config, run[0])


def test_unknown_input(tmp_path, data_dir):
    config = tiny_config(data_dir)
    config.inputs = ("rgb", "thermal")
    with pytest.raises(ValueError, match=r"`config.inputs` must name some of .*thermal"):
        train_and_evaluate(config, tmp_path / "run")


def test_evaluation_is_repeatable_and_says_how(run, capsys):
    workdir, results = run
    assert evaluate_run(workdir) == results
    assert "single scale, no mirroring, test split" in capsys.readouterr().out
    evaluate_run(workdir, "validation", Protocol((0.5, 1.0), flip=True), "last")
    text = capsys.readouterr().out
    assert "multi-scale (0.5, 1), with mirroring, validation split, last checkpoint" in text
    with pytest.raises(ValueError, match=r"`split` must be one of.*'tset'"):
        evaluate_run(workdir, "tset")


def write_images(folder, count=2):
    generator = np.random.default_rng(0)
    for name, shape, dtype in (("rgb", (40, 56, 3), "uint8"), ("depth", (40, 56), "uint16")):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            image = generator.integers(0, 250, shape).astype(dtype)
            Image.fromarray(image).save(folder / name / f"view{index}.png")


def test_prediction_of_a_folder(run, tmp_path):
    write_images(tmp_path / "images")
    assert predict_folder(run[0], tmp_path / "images", tmp_path / "out") == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names[:3] == ["view0_classes.png", "view0_colors.png", "view0_overlay.png"]
    classes = np.array(Image.open(tmp_path / "out" / "view0_classes.png"))
    assert classes.shape == (40, 56) and classes.max() < 13
    predict_folder(run[0], tmp_path / "images", tmp_path / "rgb", modalities=["rgb"])
    assert len(list((tmp_path / "rgb").iterdir())) == 6


def test_prediction_names_what_is_missing(run, tmp_path):
    write_images(tmp_path / "images")
    (tmp_path / "images" / "depth" / "view1.png").unlink()
    with pytest.raises(ValueError, match=r"view1 .*not in both 'rgb' and 'depth'"):
        predict_folder(run[0], tmp_path / "images", tmp_path / "out")
    with pytest.raises(ValueError, match="must hold a folder 'rgb'"):
        predict_folder(run[0], tmp_path / "out", tmp_path / "out")


def test_export_takes_raw_images(run, tmp_path):
    path = export_run(run[0], tmp_path / "rooms", subsets=[["rgb"]])
    signatures = tf.saved_model.load(path).signatures
    assert set(signatures) == {"serving_default", "serving_encoded", "serving_rgb"}
    rgb, depth = tf.zeros((2, 40, 56, 3), "uint8"), tf.ones((2, 40, 56, 1), "uint16")
    outputs = signatures["serving_default"](rgb=rgb, depth=depth)
    assert outputs["classes"].shape == outputs["confidence"].shape == (2, 40, 56)
    assert len((path / "assets" / "class_names.txt").read_text().splitlines()) == 13
    contract = json.loads((path / "assets" / "preprocessing.json").read_text())
    assert contract["inputs"]["depth"]["scale"] == 1e-3
    assert (path / "assets.extra" / "tf_serving_warmup_requests").is_file()


def test_a_folder_of_ones_own(tmp_path):
    write_images(tmp_path / "mine")
    (tmp_path / "mine" / "masks").mkdir()
    lines = []
    for index in range(2):
        mask = np.full((36, 52), index, "uint8")
        Image.fromarray(mask).save(tmp_path / "mine" / "masks" / f"view{index}.png")
        lines.append(f"rgb/view{index}.png\tmasks/view{index}.png\tdepth/view{index}.png")
    (tmp_path / "mine" / "train.txt").write_text("\n".join(lines))
    config = folder.get_config()
    small = tiny_config(tmp_path / "data")
    for key in ("network", "augmentation", "stages", "batch_size"):
        config[key] = small[key]
    config.data.update(root=str(tmp_path / "mine"), data_dir=small.data.data_dir, num_classes=2)
    config.data.lists.validation = ""
    results = train_and_evaluate(config, tmp_path / "run")
    assert results["ensemble"]["pixel accuracy"] >= 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config.betch_size=4"], "betch_size"),
        (["--config.data.root=nowhere"], "`root` must be a folder"),
    ],
)
def test_mistakes_on_the_command_line(tmp_path, arguments, message):
    command = [sys.executable, "-m", "recipes.segmentation.train"]
    command += ["--config=recipes/segmentation/configs/folder.py", f"--workdir={tmp_path / 'run'}"]
    done = subprocess.run(command + arguments, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr
