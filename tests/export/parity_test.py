"""One answer from Keras and from every runtime that reads what is exported."""

import pytest
import tensorflow as tf

from keras_asym.export import export_litert, export_onnx
from keras_asym.profile.runtimes import RUNTIMES
from tests.export.tiny_served import MODELS, answer, raw_images, save
from tests.helpers import distance

PACKAGES = {
    "onnx": ("tf2onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino",),
}
TOLERANCE = 1e-5  # relative L2 distance
SLOW = {"segmenter-adapnet-2"}
NAMES = [pytest.param(x, marks=[pytest.mark.slow] if x in SLOW else []) for x in MODELS]


@pytest.fixture(scope="module", params=NAMES)
def served(request, tmp_path_factory):
    """The SavedModel, images and Keras' answer to them."""
    path = tmp_path_factory.mktemp("model")
    model = MODELS[request.param]()
    raw = raw_images(model)
    save(model, path)
    return path, raw, answer(model, {name: tf.constant(image) for name, image in raw.items()})


@pytest.mark.parametrize("runtime", [name for name in RUNTIMES if name != "keras"])
def test_every_runtime_gives_the_numbers_of_keras(served, runtime, tmp_path):
    path, raw, expected = served
    if runtime in PACKAGES:
        for module in PACKAGES[runtime]:
            pytest.importorskip(module, reason=f"pip install 'keras_asym[{runtime}]'")
    size = next(iter(raw.values())).shape[:3]
    if runtime == "onnx":
        path = export_onnx(path, tmp_path / "model.onnx", size)  # open sizes: onnx_test.py
    if runtime == "litert":
        path = export_litert(path, tmp_path / "model.tflite", size)
    outputs = RUNTIMES[runtime](path)(raw)
    assert sorted(outputs) == sorted(expected)
    for name, output in outputs.items():
        assert distance(output, expected[name]) < TOLERANCE, name
