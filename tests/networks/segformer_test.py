import functools

import keras
import numpy as np
import pytest

from keras_asym.fusion import select_modalities, to_multimodal
from keras_asym.layers import ResizeLike
from keras_asym.models import Segmenter
from keras_asym.networks import MixTransformer, ResNet, SegFormer
from tests.helpers import arrays, distance, images, randomize, run

# Variant -> parameters for 150 classes with the published head, and for 40 with one of 256.
COUNTS = {
    "b0": (3_752_694, 3_724_424),
    "b1": (13_715_798, 13_687_528),
    "b2": (27_461_974, 24_732_392),
    "b3": (47_337_814, 44_608_232),
    "b4": (64_108_374, 61_378_792),
    "b5": (84_708_694, 81_979_112),
}
# Private norms for two modalities and the ensemble's alpha, head width 256, 40 classes.
PRIVATE_B2 = 24_758_378
ONES = (1, 1, 1, 1)


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@functools.cache
def shapes(backbone, num_classes=19, head_width=None, **kwargs):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return SegFormer(backbone, num_classes, head_width, **kwargs)


@functools.cache
def narrow():
    """One that no test changes, with values that no default could be mistaken for."""
    keras.utils.set_random_seed(0)
    return randomize(SegFormer(MixTransformer("b0", 4, ONES), 5, 8))


@pytest.mark.parametrize(
    "variant",
    [pytest.param(x, marks=() if x in ("b0", "b2") else pytest.mark.slow, id=x) for x in COUNTS],
)
def test_number_of_parameters(variant):
    published, narrow_head = COUNTS[variant]
    network = shapes(variant, 150)
    assert count(network.trainable_weights) == published
    assert network.name == f"segformer_mit_{variant}"
    assert count(shapes(variant, 40, 256).trainable_weights) == narrow_head


def test_number_of_parameters_with_private_norms():
    network = shapes("b2", 40, 256)
    norms = [x for x in network.layers if isinstance(x, keras.layers.LayerNormalization)]
    # The head's norm is private in this package, and shared in the published program.
    shared = count(network.trainable_weights) + sum(count(x.weights) for x in norms) + 2
    assert shared == PRIVATE_B2


def test_head():
    network = shapes("b1", 7, input_shape=(64, 96, 3))
    assert network.output.shape == (None, 16, 24, 7)
    layers = {x.name: x for x in network.layers if x.name.startswith(("decoder", "classifier"))}
    assert list(layers)[-6:] == [
        "decoder_concat",
        "decoder_conv",
        "decoder_bn",
        "decoder_relu",
        "decoder_dropout",
        "classifier",
    ]
    order = [x._keras_history.operation.name for x in layers["decoder_concat"].input]
    assert order == [*(f"decoder_stage{s}_resize" for s in (4, 3, 2)), "decoder_stage1_proj"]
    resizes = [x for x in layers.values() if isinstance(x, ResizeLike)]
    assert len(resizes) == 3 and not any(x.align_corners for x in resizes)
    norm, dropout = layers["decoder_bn"], layers["decoder_dropout"]
    assert (norm.epsilon, norm.momentum) == (1e-5, 0.9)
    assert isinstance(dropout, keras.layers.SpatialDropout2D) and dropout.rate == 0.1
    assert not layers["decoder_conv"].use_bias and layers["decoder_stage2_proj"].use_bias
    assert layers["decoder_conv"].filters == 256


@pytest.mark.parametrize(
    ("backbone", "width"), [("b2", 768), ("mit_b5", 768), ("b0", 256), ("resnet18", 256)]
)
def test_width_of_the_head(backbone, width):
    network = shapes(backbone, backbone_width=8)
    assert network.get_layer("decoder_stage1_proj").units == width


@pytest.mark.parametrize(
    "backbone", ["resnet18", "xception41", "MobileNetV3Small", "ConvNeXtTiny", "mit_b1"]
)
def test_any_encoder_by_its_name(backbone):
    network = shapes(backbone, 5, 8, input_shape=(64, 96, 3))
    assert network.output.shape == (None, 16, 24, 5)
    assert network.get_layer("decoder_concat").output.shape[-1] == 4 * 8


def test_an_encoder_that_is_given_brings_its_weights():
    encoder = ResNet(18, width=4)
    network = SegFormer(encoder, 5, 8)
    assert network.name == "segformer_resnet18"
    assert all(any(w is x for x in network.weights) for w in encoder.weights)


def test_an_encoder_with_one_stage():
    encoder = ResNet(18, width=4, input_shape=(64, 64, 3))
    network = SegFormer(keras.Model(encoder.input, encoder.outputs[0]), 5, 8)
    assert network.output.shape == (None, 16, 16, 5)


def inputs(height=33, width=50):
    return {
        "rgb": images(2, height, width, 3),
        "depth": images(2, height, width, 3, seed=1),
    }


@functools.cache
def multimodal():
    return to_multimodal(narrow(), {"rgb": 3, "depth": 3})


def test_each_branch_is_the_plain_network_at_the_start():
    x = inputs()
    branches = run(multimodal(), x)
    for name, image in x.items():
        np.testing.assert_allclose(branches[name], run(narrow(), image), rtol=1e-4, atol=1e-5)
    norms = {
        w.path: w.shape
        for w in multimodal().weights
        if w.path.endswith("gamma") and "norm" in w.path
    }
    # Embeddings, two of each block, reductions of three stages and each stage's own.
    assert len(norms) == 4 + 4 * 2 + 3 + 4
    assert {shape[0] for shape in norms.values()} == {2}
    shared = multimodal().get_layer("stage1_block1_attention_query").kernel
    assert shared.shape == (4, 4)


def test_a_private_norm_changes_its_own_branch_alone():
    model = to_multimodal(narrow(), {"rgb": 3, "depth": 3})
    before = {name: np.asarray(x) for name, x in run(model, inputs()).items()}
    gamma = model.get_layer("stage1_block1_norm1").gamma
    gamma.assign(np.asarray(gamma) * [[1.0], [2.0]])
    after = run(model, inputs())
    np.testing.assert_array_equal(after["rgb"], before["rgb"])
    assert distance(after["depth"], before["depth"]) > 1e-3


def test_a_selection_is_the_modality_alone():
    alone = select_modalities(multimodal(), ("depth",))
    x = inputs()
    expected = run(multimodal(), x)["depth"]
    found = run(alone, {"depth": x["depth"]})["depth"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@functools.cache
def multimodal_with_ensemble():
    return to_multimodal(narrow(), {"rgb": 3, "depth": 3}, ensemble=True)


def test_saved_and_loaded(tmp_path):
    model = Segmenter(multimodal_with_ensemble())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    found, expected = model(inputs()), loaded(inputs())
    assert found["ensemble"].shape == (2, 33, 50, 5)
    for value, wanted in zip(arrays(found), arrays(expected), strict=True):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModel needs TensorFlow")
def test_saved_model_of_two_modalities(tmp_path):
    import tensorflow as tf

    from keras_asym.export import export_saved_model

    model = Segmenter(multimodal_with_ensemble())
    dtypes = {"rgb": "float32", "depth": "float32"}
    version = export_saved_model(model, tmp_path, dtypes, outputs=("probabilities",))
    served = tf.saved_model.load(version).signatures["serving_default"]
    for size in ((33, 50), (64, 40)):
        x = inputs(*size)
        expected = tf.nn.softmax(model(x, training=False)["ensemble"])
        of_server = served(**{key: tf.constant(value) for key, value in x.items()})
        assert distance(of_server["probabilities"], expected) < 1e-5


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"backbone": "b6"}, r"`backbone` must be one of .*'mit_b0'.*backbone='b6'"),
        ({"backbone": ResNet}, "`backbone` must be one of"),
        ({"num_classes": 0}, "`filters`.*strictly positive"),
        ({"head_width": 0}, "`units`"),
        ({"dropout": 1.5}, "rate"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SegFormer(**{"backbone": "b0", "backbone_width": 4, **kwargs})
