import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from recipes.compare import compare
from recipes.data.batches import evaluation_batches
from recipes.evaluate import evaluate_run
from recipes.export import export_run, parse
from recipes.image_translation.evaluation import Inception, Protocol
from recipes.image_translation.task import ImageTranslation
from recipes.predict import predict_folder
from recipes.run_folder import RunFolder
from recipes.train import evaluate_best, train_and_evaluate
from tests.recipes.image_translation.tiny import tiny_config

pytestmark = [
    pytest.mark.usefixtures("shared_checkpoints"),
    # Keras' data adapter leaves the iterator of an endless data set to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_dir):
    """A finished run without noise at test time, so that its figures can be repeated."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    config = tiny_config(data_dir)
    config.dropout_at_test = False
    tf.config.run_functions_eagerly(True)  # few steps, and models/translator_test.py has graphs
    results = train_and_evaluate(ImageTranslation(config), workdir, command_line="python -m here")
    tf.config.run_functions_eagerly(False)
    return workdir, results, config


def test_a_run_leaves_everything_behind(run):
    workdir, results, _ = run
    names = {path.name for path in workdir.iterdir()}
    assert {"best.keras", "last.keras", "config.json", "report.html", "results.json"} <= names
    with open(workdir / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "discriminator_loss", "sparsity_loss", "val_ensemble_mae"} <= set(rows[0])
    assert set(results) == {"reshading", "edge_texture", "ensemble"}
    record = json.loads((workdir / "results.json").read_text())
    assert record["images"] == 3
    assert "FID and KID not measured" in record["protocol"]
    report = (workdir / "report.html").read_text()
    texts = ("<span>here</span>", "from reshading", "target: rgb", "down2_norm", "dropout at test")
    for text in texts:
        assert text in report


def test_figures_by_their_formulas(run):
    """MAE of values in 0..1, from what the model says about each test image."""
    workdir, results, config = run
    model = keras.models.load_model(workdir / "best.keras")
    task = ImageTranslation(config)
    errors = []
    for inputs, target, _ in evaluation_batches(task.open().source("test"), task.examples, 1):
        errors.append(np.abs((model(inputs)["ensemble"] - target).numpy() / 2))
    found = results["ensemble"]
    assert found["MAE"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert found["MSE"] == pytest.approx(np.mean(np.square(errors)), rel=1e-4)
    psnr = [-10 * np.log10(np.mean(np.square(error))) for error in errors]
    assert found["PSNR"] == pytest.approx(np.mean(psnr), rel=1e-4)


def test_running_the_same_command_again_resumes(run, capsys):
    workdir, results, config = run
    (workdir / "results.json").unlink()
    again = train_and_evaluate(ImageTranslation(config), workdir)
    assert "Resuming after epoch 2" in capsys.readouterr().out
    assert again["ensemble"] == pytest.approx(results["ensemble"], rel=1e-5)


def test_evaluation_says_how(run, capsys):
    workdir, results, _ = run
    again = evaluate_run(ImageTranslation, workdir)
    assert again["ensemble"] == pytest.approx(results["ensemble"], rel=1e-5)
    assert "test split, dropout at test time off" in capsys.readouterr().out
    protocol = Protocol(dropout_at_test=True)
    noisy = evaluate_run(ImageTranslation, workdir, "validation", "last", protocol)
    text = capsys.readouterr().out
    assert "validation split, dropout at test time on" in text and "last checkpoint" in text
    assert noisy["ensemble"] != again["ensemble"]


def write_images(folder, count=2):
    rng = np.random.default_rng(0)
    for name, shape, dtype in (
        ("reshading", (40, 56, 3), "uint8"),
        ("edge_texture", (40, 56), "uint16"),
    ):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(0, 250, shape).astype(dtype)
            Image.fromarray(image).save(folder / name / f"view{index}.png")


def predict(workdir, folder, output, **protocol):
    images, output = folder / "images", folder / output
    return predict_folder(ImageTranslation, workdir, images, output, protocol=Protocol(**protocol))


def test_pictures_of_the_inputs_size_in_8_bits_alone_for_a_target_of_8(run, tmp_path):
    write_images(tmp_path / "images", 1)
    predict(run[0], tmp_path, "large", size="input")
    assert np.array(Image.open(tmp_path / "large" / "view0.png")).shape == (40, 56, 3)
    with pytest.raises(ValueError, match=r"`bits` must be 8 unless the target is stored with 16"):
        predict(run[0], tmp_path, "deep", bits=16)


def test_a_depth_is_painted_in_its_own_16_bits(data_dir, tmp_path):
    config = tiny_config(data_dir)
    config.inputs, config.target = ("reshading",), "depth_euclidean"
    task = ImageTranslation(config)
    task.open()
    run = RunFolder(tmp_path / "run")
    run.write_config(task)
    task.build_model(1).save(run.path / "best.keras")
    write_images(tmp_path / "images", 1)
    predict(run.path, tmp_path, "out", bits=16, size="input")
    depth = np.array(Image.open(tmp_path / "out" / "view0.png"))
    assert depth.shape == (40, 56) and depth.dtype == "uint16" and depth.max() > 255


def test_prediction_of_a_folder(run, tmp_path):
    write_images(tmp_path / "images")
    assert predict(run[0], tmp_path, "out", branches=True) == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names[:3] == ["view0.png", "view0_edge_texture.png", "view0_reshading.png"]
    assert np.array(Image.open(tmp_path / "out" / "view0.png")).shape == (32, 32, 3)
    predict(run[0], tmp_path, "one", modalities=("reshading",))
    assert len(list((tmp_path / "one").iterdir())) == 2


def test_export_takes_raw_images(run, tmp_path):
    served = tf.saved_model.load(
        export_run(ImageTranslation, run[0], tmp_path, parse(ImageTranslation))
    ).signatures["serving_default"]
    x = {"reshading": np.full((2, 48, 64, 3), 90, "uint8")}
    x["edge_texture"] = np.full((2, 48, 64, 1), 5000, "uint16")
    image = served(**{name: tf.constant(value) for name, value in x.items()})["image"]
    assert image.dtype == tf.uint8 and image.shape == (2, 48, 64, 3)
    model = keras.models.load_model(run[0] / "best.keras")
    values = {
        "reshading": x["reshading"] / 127.5 - 1,
        "edge_texture": 2 * x["edge_texture"] / 11355 - 1,
    }
    expected = model({name: value.astype("float32") for name, value in values.items()})["ensemble"]
    np.testing.assert_allclose(image, 127.5 * (expected.numpy() + 1), atol=0.6)


def test_pictures_of_a_network_that_merges(data_dir):
    config = tiny_config(data_dir)
    config.fusion.name = "concatenation"
    task = ImageTranslation(config)
    source = task.open().source("test", task.image_names)
    ((_, images),) = task.pictures(task.build_model(1), source, 1)
    assert list(images) == ["input: reshading", "input: edge_texture", "ensemble", "target: rgb"]


@pytest.mark.usefixtures("without_graphs")
def test_comparison_of_a_single_domain_and_four_that_exchange(data_dir, tmp_path):
    config = tiny_config(data_dir)
    config.epochs = 1
    inputs = config.inputs = ("reshading", "edge_texture", "normal", "depth_euclidean")
    config.fusion.target_rate = None
    config.fusion.threshold = 2.0  # every channel
    variants = ["reshading", "channel_exchanging"]
    lines = compare(ImageTranslation(config), tmp_path, variants, [0]).splitlines()
    assert lines[0] == (
        "| network | MAE | MSE | PSNR | SSIM | MAE - reshading | M parameters | GMACs | ms | runs |"
    )
    assert lines[2].startswith("| reshading alone | 0.")
    assert lines[7].startswith("| channel_exchanging: ensemble | 0.")
    assert "Lower is better but for PSNR and SSIM; test split" in lines[9]
    assert "the difference to the ensemble of reshading" in lines[10]
    assert "one image of 32x32" in "\n".join(lines[11:])
    run = tmp_path / "channel_exchanging_0"
    assert "Every channel" in (run / "report.html").read_text()
    tf.config.run_functions_eagerly(False)
    served = tf.saved_model.load(export_run(ImageTranslation, run, tmp_path / "model"))
    assert set(served.signatures["serving_default"].structured_input_signature[1]) == set(inputs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": ("reshading", "thermal")}, r"`config.inputs` must name some of.*thermal"),
        ({"target": "reshading"}, "`inputs` must be distinct domains and `target` another one"),
        ({"inputs": ("principal_curvature",)}, "must be domains of rendered_rooms"),
    ],
)
def test_wrong_domains(change, message, data_dir, tmp_path):
    config = tiny_config(data_dir)
    config.update(change)
    with pytest.raises(ValueError, match=message):
        train_and_evaluate(ImageTranslation(config), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, r"`config.epochs` must be"),
        ({"target": "painting"}, r"`config.target` must name some of .*'painting'"),
        ({"augmentation": {"resize": (16, 16)}}, "at most `augmentation.resize`"),
        ({"inception": {"path": "nowhere.pth"}}, "which is not there"),
        ({"fusion": {"name": "channel_exchange"}}, r"`config\.fusion\.name` must be one of"),
        (
            {"modalities": {"rgb": {"validity": True, "invalid": 0}}},
            "must not be set for the target",
        ),
    ],
)
def test_a_wrong_setting_ends_before_any_work(changes, message, data_dir, tmp_path):
    config = tiny_config(data_dir)
    with config.unlocked():
        config.update(changes)
    with pytest.raises(ValueError, match=message):
        train_and_evaluate(ImageTranslation(config), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_few_images_for_kid_are_found_before_the_training(data_dir, tmp_path, monkeypatch):
    task = ImageTranslation(tiny_config(data_dir))
    task.inception.network = object()
    with pytest.raises(ValueError, match=r"subset_size=50, 3 images"):
        train_and_evaluate(task, tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_results_are_written_before_fid_can_fail(run):
    class Distances:
        def update(self, real, generated):
            assert min(real.min(), generated.min()) >= 0 and max(real.max(), generated.max()) <= 255

        def result(self):
            raise ValueError("no FID")

    class Measured(Inception):
        def __bool__(self):
            return True

        def distances(self):
            return Distances()

    workdir, results, config = run
    task = ImageTranslation(config)
    dataset = task.open()
    task.inception = Measured(subset_size=2)
    (workdir / "results.json").unlink()
    with pytest.raises(ValueError, match="no FID"):
        evaluate_best(task, dataset, RunFolder(workdir))
    record = json.loads((workdir / "results.json").read_text())
    assert record["results"]["ensemble"] == pytest.approx(results["ensemble"], rel=1e-5)


@pytest.mark.parametrize("factor", [1.0, 7.0])
def test_the_weights_of_the_ensemble_have_their_own_rate(factor, data_dir):
    config = tiny_config(data_dir)
    config.optimizer.decay = "none"
    config.fusion.ensemble_rate = factor
    task = ImageTranslation(config)
    task.open()
    model = task.build_model(1)
    task.training_stages()[0].compile(model, 10)
    rate = config.optimizer.rate
    found = {o.name: o for o in model.optimizer.optimizers}
    expected = {"generator": rate, "discriminator": rate}
    if factor != 1:
        expected["ensemble"] = factor * rate
        (alpha,) = found["ensemble"]._trainable_variables
        assert alpha.path.endswith("ensemble/alpha")
    assert {name: float(o.learning_rate) for name, o in found.items()} == pytest.approx(expected)
