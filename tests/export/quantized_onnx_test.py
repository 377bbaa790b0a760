import numpy as np
import pytest
import tensorflow as tf

from keras_asym.export import export_onnx, export_saved_model
from tests.export.tiny_served import MODELS, preprocess, raw_images
from tests.helpers import distance

onnx = pytest.importorskip("onnx", reason="pip install 'keras_asym[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'keras_asym[onnx]'")
pytest.importorskip("tf2onnx", reason="pip install 'keras_asym[onnx]'")

DTYPES = {"rgb": "uint8", "depth": "uint16"}


@pytest.fixture(scope="module")
def model():
    return MODELS["segmenter-cen-2"]()


@pytest.fixture(scope="module")
def raw(model):
    return raw_images(model, 5)


@pytest.fixture(scope="module")
def file(model, raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    version = export_saved_model(
        model,
        folder,
        DTYPES,
        lambda name, image: preprocess(image),
        outputs=("probabilities",),
        side_by_side=True,
    )
    return export_onnx(version, folder / "int8.onnx", quantization_images=raw)


def answers(model, raw):
    images = {name: preprocess(tf.constant(image)) for name, image in raw.items()}
    return tf.nn.softmax(model(images)["ensemble"]).numpy()


def test_kernels_have_seven_bits_by_channel(file):
    graph = onnx.load(file).graph
    values = {x.name: onnx.numpy_helper.to_array(x) for x in graph.initializer}
    kernels = [x for x in values.values() if x.dtype == "int8" and x.ndim == 4]
    exchanged, repeated = 2, 1  # what each modality got from the other, depth's channel
    assert len(kernels) == 3 * 2 + exchanged + repeated  # each modality has its own
    for kernel in kernels:
        assert (np.abs(kernel).reshape(len(kernel), -1).max(1) == 64).all()


def test_the_preprocessing_stays_in_float(file):
    graph = onnx.load(file).graph
    images = {x.name for x in graph.input}
    users = [node for node in graph.node if images & set(node.input)]
    assert {node.op_type for node in users} == {"Cast"}
    made = {x for node in users for x in node.output}
    after = {node.op_type for node in graph.node if made & set(node.input)}
    assert "QuantizeLinear" not in after


def test_onnx_runtime(file, model, raw):
    session = onnxruntime.InferenceSession(file)
    (found,) = session.run(None, raw)
    assert 0 < distance(found, answers(model, raw)) < 0.1
    other = raw_images(model, 2, 9, 13)  # any size
    assert session.run(None, other)[0].shape == (2, 9, 13, 5)


def test_openvino(file, model, raw):
    openvino = pytest.importorskip("openvino", reason="pip install 'keras_asym[openvino]'")
    compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(raw)[0]
    assert 0 < distance(found, answers(model, raw)) < 0.1
