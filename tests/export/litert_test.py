import numpy as np
import pytest
import tensorflow as tf

from keras_asym.export import export_litert, export_saved_model
from keras_asym.layers import SensorConverter
from keras_asym.models import Segmenter
from tests.export.tiny_served import MODELS, preprocess, raw_images
from tests.helpers import distance, randomize
from tests.models.tiny import tiny_network

DTYPES = {"rgb": "uint8", "depth": "uint16"}


def test_raw_images_of_the_fixed_size(tmp_path):
    interpreter = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="pip install 'keras_asym[litert]'"
    )
    model = MODELS["segmenter-cen-2"]()
    outputs = ("classes", "probabilities")
    version = export_saved_model(
        model, tmp_path, DTYPES, lambda name, image: preprocess(image), outputs=outputs
    )
    file = export_litert(version, tmp_path / "model.tflite", (2, 8, 12))
    runner = interpreter.Interpreter(str(file)).get_signature_runner("serving_default")
    details = runner.get_input_details()
    assert {name: tuple(x["shape_signature"]) for name, x in details.items()} == {
        "rgb": (2, 8, 12, 3),
        "depth": (2, 8, 12, 1),
    }
    raw = raw_images(model, 2, 8, 12)
    outputs = runner(**raw)
    logits = model({name: preprocess(tf.constant(image)) for name, image in raw.items()})
    assert distance(outputs["probabilities"], tf.nn.softmax(logits["ensemble"])) < 1e-5
    assert (outputs["classes"] == outputs["probabilities"].argmax(-1)).all()


def test_int8(tmp_path):
    """Kernels and activations are int8, the images and the answers what they were."""
    interpreter = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="pip install 'keras_asym[litert]'"
    )
    model = MODELS["segmenter-cen-2"]()
    outputs = ("classes", "probabilities")
    version = export_saved_model(
        model,
        tmp_path,
        DTYPES,
        lambda name, image: preprocess(image),
        outputs=outputs,
        side_by_side=True,
    )
    size = (1, 16, 24)
    raw = raw_images(model, 5, *size[1:])
    with pytest.raises(ValueError, match="must hold 'depth' as uint16"):
        images = {**raw, "depth": raw["depth"][:, 1:]}
        export_litert(version, tmp_path / "x.tflite", size, quantization_images=images)
    file = export_litert(version, tmp_path / "int8.tflite", size, quantization_images=raw)
    loaded = interpreter.Interpreter(str(file))
    kinds = [x["dtype"].__name__ for x in loaded.get_tensor_details()]
    assert kinds.count("int8") > 10
    by_channel = [len(x["quantization_parameters"]["scales"]) for x in loaded.get_tensor_details()]
    assert max(by_channel) > 1
    runner = loaded.get_signature_runner("serving_default")
    one = {name: image[:1] for name, image in raw.items()}
    found = runner(**one)
    assert found["classes"].dtype == "uint8" and found["probabilities"].dtype == "float32"
    images = {name: preprocess(tf.constant(image)) for name, image in one.items()}
    assert 0 < distance(found["probabilities"], tf.nn.softmax(model(images)["ensemble"])) < 0.1


@pytest.mark.parametrize(
    "dtype, invalid", [("uint16", 0), ("uint16", 65535), ("uint8", 255), ("int16", -1)]
)
def test_int8_finds_the_holes(tmp_path, dtype, invalid):
    interpreter = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="pip install 'keras_asym[litert]'"
    )
    converter = SensorConverter(1, dtype, scale=0.01, mean=3.0, std=1.0, invalid=invalid)
    model = randomize(Segmenter(tiny_network(), {"rgb": 3, "depth": 1}))
    rng = np.random.default_rng(0)
    depth = rng.integers(40, 250 if dtype == "uint8" else 600, (8, 16, 24, 1)).astype(dtype)
    raw = {"rgb": rng.integers(0, 255, (8, 16, 24, 3)).astype("uint8"), "depth": depth}
    depth[rng.uniform(size=depth.shape) < 0.3] = invalid

    def network_values(name, image):
        return converter(image) if name == "depth" else preprocess(image)

    version = export_saved_model(
        model,
        tmp_path,
        {"rgb": "uint8", "depth": dtype},
        network_values,
        outputs=("probabilities",),
        side_by_side=True,
    )
    file = export_litert(version, tmp_path / "x.tflite", (1, 16, 24), quantization_images=raw)
    runner = interpreter.Interpreter(str(file)).get_signature_runner()
    one = {name: image[:1] for name, image in raw.items()}
    found = runner(**one)["probabilities"]
    images = {name: network_values(name, tf.constant(image)) for name, image in one.items()}
    expected = tf.nn.softmax(model(images, training=False)["ensemble"])
    assert 0 < distance(found, expected) < 0.05


def test_a_served_translator(tmp_path):
    interpreter = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="pip install 'keras_asym[litert]'"
    )
    model = MODELS["translator-asym-2"]()
    raw = raw_images(model, 1, 16, 24)
    dtypes = {name: image.dtype.name for name, image in raw.items()}
    version = export_saved_model(model, tmp_path, dtypes, lambda name, image: preprocess(image))
    file = export_litert(version, tmp_path / "model.tflite", (1, 16, 24))
    image = interpreter.Interpreter(str(file)).get_signature_runner()(**raw)["image"]
    served = tf.saved_model.load(version).signatures["serving_default"]
    expected = served(**{name: tf.constant(x) for name, x in raw.items()})["image"].numpy()
    assert image.dtype == "uint8" and len(set(image.ravel())) > 20
    assert (image == expected).mean() > 0.999


@pytest.mark.parametrize("size", [(1, None, 12), (8, 12)])
def test_an_open_size(tmp_path, size):
    with pytest.raises(ValueError, match="must be a fixed"):
        export_litert(tmp_path, tmp_path / "model.tflite", size)


def test_no_saved_model(tmp_path):
    with pytest.raises(ValueError, match="folder of one version"):
        export_litert(tmp_path, tmp_path / "model.tflite", (1, 8, 12))
    assert not list(tmp_path.iterdir())
