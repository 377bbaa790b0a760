import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_asym.export import export_saved_model
from keras_asym.fusion import ChannelExchanging
from keras_asym.models import Segmenter
from tests.export.served import DTYPES, export, preprocess, raw
from tests.helpers import distance
from tests.models.tiny import CLASSES, tiny_segmenter
from tests.models.tiny_translator import tiny_translator

SUBSETS = (["rgb"], ["depth"])


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return tiny_segmenter(2, ChannelExchanging())


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return export(
        model,
        tmp_path_factory.mktemp("base") / "rooms",
        subsets=SUBSETS,
        outputs=("classes", "confidence", "probabilities"),
        branches=True,
        class_names=[f"class {index}" for index in range(CLASSES)],
        description={"depth": {"unit": "mm"}},
        warmup_size=(16, 24),
    )


def expected_outputs(model, images):
    logits = model({name: preprocess(name, image) for name, image in images.items()})
    found = {}
    for key, value in logits.items():
        prefix = "" if key == "ensemble" else f"{key}_"
        found[f"{prefix}probabilities"] = tf.nn.softmax(value).numpy()
    return found


def assert_answers(outputs, expected):
    assert set(outputs) == {
        name.replace("probabilities", output)
        for name in expected
        for output in ("classes", "confidence", "probabilities")
    }
    for name, value in expected.items():
        assert distance(outputs[name], value) < 1e-5
        confidence = np.asarray(outputs[name.replace("probabilities", "confidence")])
        np.testing.assert_allclose(confidence, value.max(-1), rtol=1e-5)
        classes = np.asarray(outputs[name.replace("probabilities", "classes")])
        assert classes.dtype == "uint8"
        sure = np.sort(value, -1)[..., -1] - np.sort(value, -1)[..., -2] > 1e-4
        np.testing.assert_array_equal(classes[sure], value.argmax(-1)[sure])
        assert sure.mean() > 0.9


@pytest.mark.parametrize("shape", [(1, 16, 24), (3, 9, 14), (1, 1, 1)])
def test_raw_images_of_any_size_and_number(model, exported, shape):
    images = raw(model, *shape)
    served = tf.saved_model.load(exported).signatures["serving_default"]
    outputs = served(**{name: tf.constant(image) for name, image in images.items()})
    expected = expected_outputs(model, images)
    assert_answers({name: value.numpy() for name, value in outputs.items()}, expected)


@pytest.mark.parametrize("names", SUBSETS)
def test_a_signature_for_each_subset(model, exported, names):
    images = raw(model.select(names), 2, 16, 24)
    served = tf.saved_model.load(exported).signatures["_".join(("serving", *names))]
    outputs = served(**{name: tf.constant(image) for name, image in images.items()})
    expected = expected_outputs(model.select(names), images)
    assert_answers({name: value.numpy() for name, value in outputs.items()}, expected)


def test_encoded_images_are_the_raw_ones(model, exported):
    images = raw(model, 2, 16, 24)
    assert images["depth"].max() > 255
    loaded = tf.saved_model.load(exported)
    expected = loaded.signatures["serving_default"](**tensors(images))
    files = {
        name: tf.stack([tf.io.encode_png(image) for image in value])
        for name, value in images.items()
    }
    outputs = loaded.signatures["serving_encoded"](**files)
    for name, value in expected.items():
        np.testing.assert_array_equal(outputs[name], value)
    jpeg = tf.stack([tf.io.encode_jpeg(image) for image in images["rgb"]])
    outputs = loaded.signatures["serving_encoded"](rgb=jpeg, depth=files["depth"])
    images["rgb"] = np.stack([tf.io.decode_jpeg(file) for file in jpeg])
    expected = loaded.signatures["serving_default"](**tensors(images))
    np.testing.assert_array_equal(outputs["probabilities"], expected["probabilities"])


def tensors(images):
    return {name: tf.constant(image) for name, image in images.items()}


def test_translator_answers_uint8(tmp_path):
    model = tiny_translator(2, ChannelExchanging(sites="norm$"))
    path = export(model, tmp_path, files=False, subsets=[["normal"]], branches=True)
    images = raw(model, 2, 16, 24, files=False)
    signatures = tf.saved_model.load(path).signatures
    assert set(signatures) == {"serving_default", "serving_normal"}
    outputs = signatures["serving_default"](**tensors(images))
    values = model({name: preprocess(name, image) for name, image in images.items()})
    assert set(outputs) == {"image", "depth_image", "normal_image"}
    for key, value in values.items():
        image = outputs["image" if key == "ensemble" else f"{key}_image"]
        assert image.dtype == tf.uint8
        np.testing.assert_allclose(image, 127.5 * (value.numpy() + 1), atol=0.501)
    alone = signatures["serving_normal"](normal=tf.constant(images["normal"]))
    value = model.select(["normal"])({"normal": preprocess("normal", images["normal"])})
    expected = 127.5 * (value["ensemble"].numpy() + 1)
    np.testing.assert_allclose(alone["image"], expected, atol=0.501)


def test_kernels_too_large_for_a_graph_stay_variables(model, exported, tmp_path, monkeypatch):
    assert not tf.train.list_variables(str(exported / "variables" / "variables"))[1:]
    size = 4 * model.network.count_params()
    monkeypatch.setattr("keras_asym.export.signatures._MOST_CONSTANTS", size)
    path = export(model, tmp_path, files=False, subsets=[["rgb"]], outputs=["probabilities"])
    shapes = [shape for _, shape in tf.train.list_variables(str(path / "variables" / "variables"))]
    assert [3, 3, 8, 8] in shapes
    images = raw(model, 1, 9, 14, files=False)
    outputs = tf.saved_model.load(path).signatures["serving_default"](**tensors(images))
    expected = expected_outputs(model, images)["probabilities"]
    assert distance(outputs["probabilities"], expected) < 1e-5


def wide_network():
    """Few layers of many weights."""
    x = inputs = keras.Input((None, None, 3))
    for name, filters in (("stack0_block0_1", 128), ("stack0_block0_2", 256)):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f"{name}_bn")(x))
    return keras.Model(inputs, layers.Conv2D(CLASSES, 1)(x))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_signatures_share_their_kernels(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    network = wide_network()
    model = Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging())
    keras.config.set_dtype_policy("float32")
    one = export(model, tmp_path / "one", files=False)
    three = export(model, tmp_path / "three", files=False, subsets=SUBSETS)
    sizes = [(path / "saved_model.pb").stat().st_size for path in (one, three)]
    kernels = 4 * sum(np.prod(w.shape) for w in network.weights if w.name == "kernel")
    assert kernels > 1e6 and sizes[1] < sizes[0] + kernels


def test_files_beside_the_model(exported):
    base = exported.parent
    assert sorted(x.name for x in base.iterdir()) == ["1", "batching.config", "models.config"]
    assert 'base_path: "/models/rooms"' in (base / "models.config").read_text()
    names = (exported / "assets" / "class_names.txt").read_text().splitlines()
    assert names == [f"class {index}" for index in range(CLASSES)]
    contract = json.loads((exported / "assets" / "preprocessing.json").read_text())
    assert contract["inputs"]["depth"] == {"dtype": "uint16", "channels": 1, "unit": "mm"}
    assert contract["max_pixels"] == contract["max_request_pixels"] == 64_000_000
    encoded = contract["signatures"]["serving_encoded"]["inputs"]
    assert encoded == {name: {"dtype": "string", "shape": [None]} for name in ("rgb", "depth")}


def test_a_new_version_beside_the_old_one(model, exported):
    settings = exported.parent / "models.config"
    settings.write_text("# edited")
    second = export(model, exported.parent, files=False)
    assert (exported.name, second.name) == ("1", "2")
    names = sorted(path.name for path in exported.parent.iterdir())
    assert names == ["1", "2", "batching.config", "models.config"]
    assert settings.read_text() == "# edited"


def test_nothing_is_left_of_an_export_that_fails(model, tmp_path, monkeypatch):
    def disk_full(*arguments, **options):
        pathlib.Path(arguments[1]).mkdir()
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
        export(model, tmp_path, files=False)
    assert {path.name for path in tmp_path.iterdir()} <= {"models.config", "batching.config"}


def test_images_that_no_png_holds_have_no_encoded_signature(tmp_path):
    model = tiny_segmenter(2)
    dtypes = {"rgb": "uint8", "depth": "float32"}
    signatures = tf.saved_model.load(export_saved_model(model, tmp_path, dtypes)).signatures
    assert set(signatures) == {"serving_default"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtypes": {"rgb": "uint8", "thermal": "uint16"}}, r"`dtypes` must name.*'thermal'"),
        ({"channels": {"rgb": 3}}, r"`channels` must name the modalities"),
        ({"outputs": ("logits",)}, r"`outputs` must be some of .*'logits'"),
        ({"outputs": "classes"}, "`outputs` must be some of"),
        ({"subsets": [["thermal"]]}, r"some of the modalities .*thermal"),
        ({"subsets": [["rgb"], ["rgb"]]}, r"another name than .*'serving_rgb'"),
    ],
)
def test_wrong_arguments(model, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        export_saved_model(model, tmp_path / "base", **{"dtypes": DTYPES, **arguments})
    assert not (tmp_path / "base").exists()
