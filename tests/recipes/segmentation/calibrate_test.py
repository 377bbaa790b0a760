"""A run is calibrated, and what reads its temperatures: evaluate, predict, export."""

import contextlib
import io
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from keras_asym.models import Segmenter
from recipes.data.batches import evaluation_batches
from recipes.evaluate import evaluate_run
from recipes.evaluate import main as evaluate
from recipes.export import export_run, parse
from recipes.predict import predict_folder
from recipes.run_folder import RunFolder
from recipes.segmentation import calibrate
from recipes.segmentation.calibration import kept_pixels, read_calibration
from recipes.segmentation.evaluation import Protocol
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.tiny import tiny_config

NAMES = ("rgb", "depth")


def small_network(classes):
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="conv1_conv")(inputs)
    x = layers.ReLU(name="conv1_relu")(layers.BatchNormalization(name="conv1_bn")(x))
    kernel = keras.initializers.RandomNormal(stddev=0.1, seed=0)
    x = layers.Conv2D(classes, 1, kernel_initializer=kernel, name="classifier")(x)
    return keras.Model(inputs, x, name="small")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run whose network says the frequencies of the classes, three times too sure.

    It was not trained, and is small.
    """
    folder = tmp_path_factory.mktemp("calibrate")
    task = Segmentation(tiny_config(folder / "data"))
    dataset = task.open()
    classes = len(task.class_names)
    source = dataset.source("validation", task.image_names)
    labels = np.concatenate([example["label"].ravel() for example in source])
    counts = 1 + np.bincount(labels[labels < classes], minlength=classes)
    model = Segmenter(small_network(classes), task.input_channels)
    head = next(x for x in model.network.weights if tuple(x.shape) == (classes,))
    head.assign(3 * np.log(counts / counts.sum()))
    run = RunFolder(folder / "run")
    run.write_config(task)
    model.save(run.path / "best.keras")
    return run


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    for name, shape, dtype in (("rgb", (40, 56, 3), "uint8"), ("depth", (40, 56), "uint16")):
        (folder / name).mkdir()
        image = generator.integers(0, 250, shape).astype(dtype)
        Image.fromarray(image).save(folder / name / "view.png")
    return folder


@pytest.fixture(scope="module")
def raw(run, images, tmp_path_factory):
    """The figures before there were temperatures, and the confidence."""
    folder = tmp_path_factory.mktemp("raw")
    predict_folder(Segmentation, run.path, images, folder)
    return evaluate_run(Segmentation, run.path), confidence_of(folder)


def confidence_of(path):
    return np.array(Image.open(path / "view_confidence.png")) / 65535


@pytest.fixture(scope="module")
def printed(run, raw):
    """What the program says."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        calibrate.main([f"--workdir={run.path}"])
    return output.getvalue()


def test_every_subset_and_output_gets_a_temperature(run, printed):
    record = json.loads((run.path / "calibration.json").read_text())
    assert (record["version"], record["split"], record["images"]) == (2, "validation", 2)
    found = {tuple(x["modalities"]): x["outputs"] for x in record["subsets"]}
    assert list(found) == [NAMES, ("rgb",), ("depth",)]
    assert set(found[NAMES]) == {"rgb", "depth", "ensemble"}
    assert set(found["rgb",]) == {"rgb", "ensemble"}
    for outputs in found.values():
        for figures in outputs.values():
            assert 2 < figures["temperature"] < 4.5
            assert figures["calibrated_nll"] < figures["nll"]
            assert figures["calibrated_ece"] < figures["ece"]
            assert len(figures["slopes"]) == len(figures["offsets"]) == 13
            assert 0.5 * 2 * 48 * 64 < figures["pixels"] <= 2 * 48 * 64


def test_the_program_says_what_it_did(printed):
    assert re.search(r"rgb \+ depth +[234]\.\d{3} +\d+\.\d\d", printed)
    assert "2 images of the validation split" in printed and "calibration.json" in printed


def test_evaluation_prints_raw_and_calibrated(run, raw, printed, capsys):
    results = evaluate_run(Segmentation, run.path)
    text = capsys.readouterr().out
    assert "cal. ECE" in text and "calibrated (cal.) on 2 images of the validation split" in text
    for key, figures in raw[0].items():
        assert results[key] == {**results[key], **figures}  # the raw ones stay what they were
        assert results[key]["calibrated NLL"] < figures["NLL"]
    kept = json.loads((run.path / "evaluation_test.json").read_text())
    assert kept["results"] == results
    assert kept["calibration"] == {"split": "validation", "images": 2}


def test_evaluation_of_subsets_takes_each_ones_temperature(run, printed, capsys):
    evaluate(Segmentation, [f"--workdir={run.path}", "--subsets"])
    text = capsys.readouterr().out
    assert re.search(r"\nrgb \+ depth +\d.*\nrgb +\d.*\ndepth +\d", text)
    kept = json.loads((run.path / "subsets_test.json").read_text())["results"]
    for values in kept.values():
        assert values["calibrated NLL"] < values["NLL"]
        assert values["calibrated AURC"] > 0


def test_predictions_and_the_served_model_are_sure_alike(run, raw, printed, images, tmp_path):
    predict_folder(Segmentation, run.path, images, tmp_path / "all")
    depth = Protocol(modalities=("depth",))
    predict_folder(Segmentation, run.path, images, tmp_path / "depth", protocol=depth)
    options = "--any_subset", "--empty_is_absent", "--outputs=confidence,uncertainty", "--nowarmup"
    path = export_run(Segmentation, run.path, tmp_path / "served", parse(Segmentation, *options))
    served = tf.saved_model.load(path).signatures["serving_any"]
    rgb = np.array(Image.open(images / "rgb" / "view.png"))[None]
    both = np.array(Image.open(images / "depth" / "view.png"))[None, :, :, None]
    outputs = served(
        rgb=tf.constant(np.concatenate([rgb, np.zeros_like(rgb)])),
        depth=tf.constant(np.concatenate([both, both]).astype("uint16")),
        present=tf.zeros((0, 2), "bool"),
    )
    np.testing.assert_array_equal(outputs["sensors_used"], [[True, True], [False, True]])
    for row, name in enumerate(("all", "depth")):
        seen = confidence_of(tmp_path / name)
        np.testing.assert_allclose(seen, outputs["confidence"][row], atol=2e-5)
    assert outputs["uncertainty"].shape == (2, 40, 56)
    assert (confidence_of(tmp_path / "all") < raw[1] - 0.05).all()


def test_temperatures_of_another_checkpoint_are_not_used(run, printed):
    said = []
    other = RunFolder(run.path.parent / "other")
    other.path.mkdir(exist_ok=True)
    for name in ("config.json", "data.json", "calibration.json"):
        (other.path / name).write_bytes((run.path / name).read_bytes())
    content = (run.path / "best.keras").read_bytes()
    (other.path / "best.keras").write_bytes(content)
    (other.path / "last.keras").write_bytes(content)
    assert read_calibration(other, "best", NAMES, said.append)[0] is not None and not said
    assert read_calibration(other, "last", NAMES, said.append) == (None, None)
    (other.path / "best.keras").write_bytes(content + b" ")
    assert read_calibration(other, "best", NAMES, said.append) == (None, None)
    assert len(said) == 2 and all("Fit it anew" in text for text in said)
    for text, words in (("{", "cannot be read"), ('{"version": 99}', "must be of version 2.*99")):
        (other.path / "calibration.json").write_text(text)
        with pytest.raises(ValueError, match=words):
            read_calibration(other, "best", NAMES, said.append)


def test_the_test_split_is_refused(run):
    with pytest.raises(ValueError, match=r"must not be test.*hold_out"):
        calibrate.calibrate_run(run.path, split="test")
    with pytest.raises(ValueError, match="nowhere"):
        calibrate.calibrate_run(run.path, split="nowhere")


def test_of_large_data_a_part_of_each_image_is_kept(run):
    task = Segmentation.of_run(run)
    model = run.load()
    source = task.open().source("validation", task.image_names)
    batches = evaluation_batches(source, task.examples, 2)
    labels, logits = kept_pixels(model, batches, 2, most=2 * 3 * 13 * 50)
    assert labels.shape == (100,) and set(logits) == {"rgb", "depth", "ensemble"}
    assert logits["rgb"].shape == (100, 13)
    every, of_every = kept_pixels(model, batches, 2)
    rows = {tuple(row) for row in np.round(of_every["depth"], 4)}
    assert all(tuple(row) in rows for row in np.round(logits["depth"], 4))
    assert len(every) > 1000 and (every < 13).all()
