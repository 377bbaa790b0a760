import sys

import pytest
import tensorflow as tf

from keras_asym.export import export_onnx, export_saved_model
from tests.export.tiny_served import MODELS, preprocess, raw_images
from tests.helpers import distance

DTYPES = {"rgb": "uint8", "depth": "uint16"}


@pytest.fixture(scope="module")
def model():
    return MODELS["segmenter-cen-2"]()


@pytest.fixture(scope="module")
def version(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    outputs = ("classes", "probabilities")
    return export_saved_model(
        model, folder, DTYPES, lambda name, image: preprocess(image), outputs=outputs
    )


@pytest.mark.parametrize("shape", [(1, 16, 24), (3, 9, 13)])
def test_images_of_any_size_and_number(model, version, shape, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'keras_asym[onnx]'")
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    file = version.parent / "model.onnx"
    if not file.exists():
        assert export_onnx(version, file) == file
    session = onnxruntime.InferenceSession(file)
    assert {x.name: x.type for x in session.get_inputs()} == {
        "rgb": "tensor(uint8)",
        "depth": "tensor(uint16)",
    }
    raw = raw_images(model, *shape)
    logits = model({name: preprocess(tf.constant(image)) for name, image in raw.items()})
    classes, probabilities = session.run(["classes", "probabilities"], raw)
    assert classes.dtype == "uint8" and classes.shape == shape
    assert distance(probabilities, tf.nn.softmax(logits["ensemble"])) < 1e-5
    assert (classes == probabilities.argmax(-1)).all()


def test_sizes_can_be_fixed(version, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'keras_asym[onnx]'")
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    file = export_onnx(version, tmp_path / "new" / "model.onnx", (None, 16, 24))
    session = onnxruntime.InferenceSession(file)
    assert all(x.shape[1:3] == [16, 24] for x in session.get_inputs())
    assert [path.name for path in file.parent.iterdir()] == ["model.onnx"]


def test_no_saved_model(tmp_path):
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    with pytest.raises(ValueError, match="folder of one version"):
        export_onnx(tmp_path, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_unknown_signature(version, tmp_path):
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    with pytest.raises(ValueError, match=r"must be one of \['serving_default'.*'serving_nothing'"):
        export_onnx(version, tmp_path / "model.onnx", signature="serving_nothing")


def test_encoded_files_are_no_images(tmp_path):
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    module = tf.Module()
    module.decode = tf.function(lambda rgb: {"size": tf.strings.length(rgb)})
    function = module.decode.get_concrete_function(tf.TensorSpec((None,), "string", "rgb"))
    tf.saved_model.save(module, tmp_path, signatures={"serving_encoded": function})
    with pytest.raises(ValueError, match=r"must take images.*serving_encoded"):
        export_onnx(tmp_path, tmp_path / "model.onnx", signature="serving_encoded")


def test_an_output_with_the_name_of_an_input(tmp_path):
    pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")
    module = tf.Module()
    module.negate = tf.function(lambda rgb: {"rgb": -rgb})
    function = module.negate.get_concrete_function(tf.TensorSpec((1, 2, 2, 3), "float32", "rgb"))
    tf.saved_model.save(module, tmp_path, signatures={"serving_default": function})
    with pytest.raises(ValueError, match=r"one namespace.*\['rgb'\] as both"):
        export_onnx(tmp_path, tmp_path / "model.onnx")


def test_a_missing_package_names_the_extra(version, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)  # as where it is not installed
    monkeypatch.delitem(sys.modules, "tf2onnx.convert", raising=False)
    with pytest.raises(ImportError, match=r"tf2onnx.*keras_asym\[onnx\]"):
        export_onnx(version, tmp_path / "model.onnx")
