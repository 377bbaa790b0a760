"""What every network for segmentation must do; widths are tiny."""

import functools
import re

import keras
import numpy as np
import pytest

from keras_asym.models import Segmenter
from keras_asym.networks import (
    ENCODER_VARIABLES,
    HEAD_VARIABLES,
    DeepLabV3,
    DeepLabV3Plus,
    EfficientNetLite0,
    MixTransformer,
    PSPNet,
    Realtime,
    RefineNet,
    ResNet,
    SegFormer,
    Xception,
)
from tests.helpers import arrays, distance, images, randomize_norms, run

TENSORFLOW = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="SavedModel and ONNX need TensorFlow"
)
CLASSES = 5
# Name -> what makes it, and the strides of its outputs.
NETWORKS = {
    "deeplab_v3_plus": (lambda: DeepLabV3Plus(entry_flow(), CLASSES, filters=8), (4,)),
    "deeplab_v3": (lambda: DeepLabV3(first_stages(3), CLASSES, filters=8), (16,)),
    "pspnet": (lambda: PSPNet(first_stages(2), CLASSES, filters=8, auxiliary=True), (8, 4)),
    "refinenet": (lambda: RefineNet(ResNet(18, 4), CLASSES, "light", (8, 8, 8, 8)), (4,)),
    "segformer": (lambda: SegFormer(MixTransformer("b0", 4, (1, 1, 1, 1)), CLASSES, 8), (4,)),
    "realtime": (lambda: Realtime(first_stacks(), CLASSES, 8), (4,)),
}
# The others have no layer that these have not.
SLOW = ("deeplab_v3", "refinenet", "realtime")
NEW_LAYERS = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.slow if name in ("deeplab_v3", "refinenet", "realtime") else ()
        )
        for name in NETWORKS
    ],
)
EACH = pytest.mark.parametrize("name", NETWORKS)
SIZES = ((33, 50), (64, 48))


def entry_flow():
    """An Xception without its long middle flow."""
    encoder = Xception(41, width=4)
    last = encoder.get_layer("stack2_block0_add").output
    return keras.Model(encoder.input, [encoder.outputs[0], last])


def first_stages(count):
    encoder = ResNet(18, 4, stem="deep")
    return keras.Model(encoder.input, encoder.outputs[:count])


def first_stacks():
    encoder = EfficientNetLite0(width=8)
    return keras.Model(encoder.input, encoder.outputs[:2])


def build(name):
    keras.utils.set_random_seed(0)
    network = NETWORKS[name][0]()
    return randomize_norms(network)


@functools.cache
def shared(name):
    """One of each for the tests that leave it as it is."""
    return build(name)


@EACH
@pytest.mark.parametrize("size", SIZES)
def test_images_of_any_size(name, size):
    outputs = arrays(run(shared(name), images(2, *size, 3)))
    expected = [(2, -(-size[0] // s), -(-size[1] // s), CLASSES) for s in NETWORKS[name][1]]
    assert [x.shape for x in outputs] == expected
    assert all(np.isfinite(x).all() and x.std() > 0 for x in outputs)


@EACH
def test_mixed_precision(name):
    expected = arrays(run(shared(name), images(1, 33, 50, 3)))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build(name)
    finally:
        keras.config.set_dtype_policy(policy)
    network.set_weights(shared(name).get_weights())
    outputs = run(network, images(1, 33, 50, 3))
    for output, wanted in zip(keras.tree.flatten(outputs), expected, strict=True):
        assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
        # Each of up to 150 layers rounds to 8 bits.
        assert distance(keras.ops.cast(output, "float32"), wanted) < 0.2
    assert {w.dtype for w in network.weights} == {"float32"}


@EACH
def test_saved_and_loaded(name, tmp_path):
    network = shared(name)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    x = images(1, 33, 50, 3)
    for value, expected in zip(arrays(run(loaded, x)), arrays(run(network, x)), strict=True):
        np.testing.assert_array_equal(value, expected)


@EACH
def test_variables_of_encoder_and_head(name):
    network = shared(name)
    for weight in network.weights:
        found = [bool(re.match(x, weight.path)) for x in (ENCODER_VARIABLES, HEAD_VARIABLES)]
        assert sum(found) == 1, weight.path


def inputs(batch, height, width):
    return {
        "rgb": images(batch, height, width, 3),
        "depth": images(batch, height, width, 1, seed=1),
    }


@TENSORFLOW
@NEW_LAYERS
def test_saved_model_and_onnx(name, tmp_path):
    import tensorflow as tf

    from keras_asym.export import export_onnx

    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'keras_asym[onnx]'")
    network = shared(name)
    network.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved").signatures["serving_default"]
    session = onnxruntime.InferenceSession(export_onnx(tmp_path / "saved", tmp_path / "x.onnx"))
    (key,) = served.structured_input_signature[1]
    names = sorted(served.structured_outputs)
    for size in SIZES:
        x = images(1, *size, 3)
        expected = arrays(run(network, x))
        of_server = served(**{key: tf.constant(x)})
        of_session = session.run(names, {key: x})
        assert len(names) == len(expected)
        for output, value, wanted in zip(names, of_session, expected, strict=True):
            assert distance(of_server[output], wanted) < 1e-5
            assert distance(value, wanted) < 1e-5


@TENSORFLOW
def test_separable_convolutions_of_two_modalities_are_served(tmp_path):
    """Norms of depthwise convolutions become part of them, one for each modality."""
    import tensorflow as tf

    from keras_asym.export import export_saved_model

    model = Segmenter(build("deeplab_v3_plus"), {"rgb": 3, "depth": 1})
    dtypes = {"rgb": "float32", "depth": "float32"}
    version = export_saved_model(model, tmp_path, dtypes, outputs=("probabilities",))
    served = tf.saved_model.load(version).signatures["serving_default"]
    x = inputs(1, 33, 50)
    expected = tf.nn.softmax(model(x, training=False)["ensemble"])
    of_server = served(**{key: tf.constant(value) for key, value in x.items()})
    assert distance(of_server["probabilities"], expected) < 1e-5


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="JAX compiles for minutes, and differs in none"
)
@NEW_LAYERS
@pytest.mark.usefixtures("without_graphs")
def test_trained(name):
    weights = (0.4,) * (len(NETWORKS[name][1]) - 1)
    model = Segmenter(build(name), {"rgb": 3, "depth": 1}, auxiliary_weights=weights)
    # With two keys instead of one the queries matter; a little, at the start.
    height, rate = (65, 10.0) if name == "segformer" else (33, 1e-2)
    model.compile(keras.optimizers.SGD(rate), jit_compile=False)
    kernels = [w for w in model.trainable_weights if w.name == "kernel"]
    before = [np.array(w) for w in kernels]
    mask = np.random.default_rng(0).integers(0, CLASSES, (3, height, 50))
    # Of two images the norm of the image pooling makes -1 and 1, whatever its kernel is.
    logs = model.train_on_batch(inputs(3, height, 50), mask)
    assert np.isfinite(np.asarray(logs)).all()
    pairs = zip(kernels, before, strict=True)
    assert not [w.path for w, old in pairs if (np.asarray(w) == old).all()]
