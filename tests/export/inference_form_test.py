import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_asym.export import InferenceForm
from keras_asym.export.constants import SharedConstants, constant
from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    FusionStrategy,
    GraphEdits,
    PrivateNormalization,
)
from keras_asym.layers import CropLike, ModalityLayer
from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet
from keras_asym.ops import any_other, beside, mean_of_others, merge_axis, split_axis
from tests.helpers import distance, images, randomize, short_networks
from tests.models import tiny, tiny_translator
from tests.models.auxiliary_test import auxiliary_network
from tests.models.tiny import tiny_segmenter

SYSTEMS = {
    "private": (PrivateNormalization(), PrivateNormalization()),
    "exchange": (ChannelExchanging(), ChannelExchanging(sites="norm$")),
    "asymmetric": (
        AsymmetricFusion(sites="stack0_block0_2_conv"),
        AsymmetricFusion(sites="down2_conv", shift_source="output"),
    ),
}


@functools.cache
def segmenter(system, count):
    """A model that no test changes."""
    return tiny_segmenter(count, SYSTEMS[system][0], evaluation_resize="bicubic")


@functools.cache
def translator(system, count):
    """A model that no test changes."""
    return tiny_translator.tiny_translator(count, SYSTEMS[system][1])


def traced(form, x):
    """The outputs of a graph with dynamic sizes."""
    names = form.modality_names
    signature = {n: tf.TensorSpec((None, None, None, x[n].shape[-1]), "float32") for n in names}
    function = tf.function(form, input_signature=[signature], autograph=False)
    return function({name: tf.constant(x[name]) for name in names})


def assert_same(model, x, bound=1e-5):
    outputs, expected = traced(InferenceForm(model), x), model(x, training=False)
    assert set(outputs) == set(expected) == {*model.modality_names, "ensemble"}
    for key, value in expected.items():
        assert outputs[key].dtype == "float32"
        assert distance(outputs[key], value) < bound, key


def operations(form, x):
    specs = {name: tf.TensorSpec(value.shape, "float32") for name, value in x.items()}
    graph = tf.function(form, autograph=False).get_concrete_function(specs).graph
    return [operation.type for operation in graph.get_operations()]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("system", SYSTEMS)
def test_segmenter(system, count):
    assert_same(segmenter(system, count), tiny.batch(count, height=9)[0])


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("system", SYSTEMS)
def test_translator(system, count):
    assert_same(translator(system, count), tiny_translator.batch(count)[0])


@pytest.mark.parametrize("names", [["depth"], ["rgb", "normal"]])
@pytest.mark.parametrize("system", SYSTEMS)
def test_segmenter_on_a_subset(system, names):
    assert_same(segmenter(system, 3).select(names), tiny.batch(3)[0])


@pytest.mark.parametrize("names", [["depth"], ["normal", "texture"]])
@pytest.mark.parametrize("system", SYSTEMS)
def test_translator_on_a_subset(system, names):
    assert_same(translator(system, 3).select(names), tiny_translator.batch(3)[0])


def test_moving_statistics_of_instance_normalization():
    model = tiny_translator.tiny_translator(2, ChannelExchanging(sites="norm$"), depth=3)
    moving = tiny_translator.tiny_translator(
        2, ChannelExchanging(sites="norm$"), depth=3, instance_statistics=False
    )
    x, _ = tiny_translator.batch(2)
    assert_same(moving, x)
    assert distance(moving(x)["ensemble"], model(x)["ensemble"]) > 1e-2


def test_refinenet():
    with short_networks():
        network = RefineNet("resnet18", 4, "light", (8, 8, 8, 8), backbone_width=8)
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging()))
    x = {"rgb": images(2, 45, 64, 3), "depth": images(2, 45, 64, 1)}
    assert_same(model, x)
    found = operations(InferenceForm(model), x)
    assert not {"ReadVariableOp", "RandomUniform", "StatelessRandomUniformV2"} & set(found)


@keras.saving.register_keras_serializable(package="tests.export")
class Gated(ModalityLayer):
    """A user's own fusion: each modality takes a learned share of the others' mean."""

    def build(self, input_shape):
        self.share = self.add_weight(shape=(self.modalities, input_shape[-1]), name="share")

    def call(self, inputs, presence=None):
        x = split_axis(inputs, self.count)
        if self.count == 1:
            return inputs
        mean = mean_of_others(x, presence)
        if presence is not None:
            mean = keras.ops.where(beside(any_other(presence), x), mean, x)
        share = keras.ops.reshape(self.pick(self.share), (self.count, 1, 1, -1))
        return merge_axis(x + share * (mean - x))


@keras.saving.register_keras_serializable(package="tests.export")
class GatedFusion(FusionStrategy):
    """`Gated` behind the first norm."""

    def edits(self, network, modalities):
        return GraphEdits(after={"conv1_bn": lambda y, x: Gated(modalities, name="gated")(y)})


@pytest.fixture(scope="module")
def gated():
    return tiny_segmenter(3, GatedFusion())


@pytest.mark.parametrize("names", [None, ["depth"], ["rgb", "normal"]])
def test_a_fusion_layer_of_the_user(gated, names):
    assert_same(gated.select(names) if names else gated, tiny.batch(3)[0])


def adapted(layers_by_name):
    layers_by_name["statistics"].adapt(5 + 3 * np.random.default_rng(0).normal(size=(8, 4, 4, 3)))


def with_lora(layers_by_name):
    for name in ("conv", "dense"):
        layers_by_name[name].enable_lora(2)
        for weight in (layers_by_name[name].lora_kernel_a, layers_by_name[name].lora_kernel_b):
            weight.assign(0.3 * np.random.default_rng(1).normal(size=weight.shape))


def quantized(layers_by_name):
    layers_by_name["dense"].quantize("int8")


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("change", [adapted, with_lora, quantized])
def test_layers_that_keep_more_than_kernels(change, policy):
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((None, None, 3))
    x = layers.Normalization(name="statistics")(inputs)
    x = layers.Conv2D(6, 3, padding="same", name="conv")(x)
    x = layers.BatchNormalization(name="bn")(x)
    network = keras.Model(inputs, layers.Dense(4, name="dense")(x))
    model = Segmenter(network, {"rgb": 3, "depth": 3}, dtype="float32")
    keras.config.set_dtype_policy("float32")
    before = model(tiny_pair())["ensemble"]
    change({layer.name: layer for layer in model.network.layers})
    assert distance(model(tiny_pair())["ensemble"], before) > (1e-3 if change is quantized else 0.1)
    assert_same(model, tiny_pair(), 1e-5 if policy == "float32" else 2e-2)


def tiny_pair():
    return {"rgb": images(2, 6, 8, 3), "depth": images(2, 6, 8, 3, seed=1)}


class Counting(layers.Layer):
    """Counts its calls, also at inference."""

    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs


def test_a_layer_that_changes_a_weight_at_inference():
    inputs = keras.Input((None, None, 3))
    x = Counting(name="counting")(layers.BatchNormalization(name="bn")(inputs))
    model = Segmenter(keras.Model(inputs, x), {"rgb": 3, "depth": 1})
    with pytest.raises(ValueError, match=r"must not change its weights.*counting/calls"):
        InferenceForm(model)(tiny.batch(2)[0])


@pytest.mark.parametrize("constant_of", [constant, SharedConstants(), None])
def test_how_weights_are_held(constant_of):
    x, _ = tiny.batch(2)
    model = tiny_segmenter(2, ChannelExchanging())
    form = InferenceForm(model, constant_of)
    assert distance(traced(form, x)["ensemble"], model(x)["ensemble"]) < 1e-5
    assert ("ReadVariableOp" in operations(form, x)) == (constant_of is None)


@pytest.mark.parametrize("use_bias", [True, False])
def test_settings_of_convolutions(use_bias):
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=use_bias, name="conv")(inputs)
    y = layers.BatchNormalization(name="bn")(x)
    z = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu")(x)
    z = layers.BatchNormalization(name="bn2")(z)
    network = keras.Model(inputs, layers.Add()([x, y, z]))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    assert_same(model, tiny.batch(2)[0])


@pytest.mark.parametrize(
    ("size", "strides", "padding", "rearranged"),
    [
        (4, 2, "same", True),
        (2, 2, "same", True),
        (6, 2, "same", True),
        (9, 3, "same", True),
        (3, 1, "same", True),
        (3, 2, "same", False),
        (1, 2, "same", False),
        (4, 2, "valid", False),
        ((4, 2), 2, "same", False),
        ((4, 6), (2, 3), "same", False),
    ],
)
@pytest.mark.parametrize("use_bias", [True, False])
def test_transposed_convolutions(size, strides, padding, rearranged, use_bias):
    settings = {"use_bias": use_bias, "activation": "relu"}
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2DTranspose(5, size, strides, padding, name="conv", **settings)(inputs)
    network = keras.Model(inputs, layers.BatchNormalization(name="bn")(x))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    x = tiny.batch(2)[0]
    assert_same(model, x)
    found = operations(InferenceForm(model), x)
    assert ("Conv2DBackpropInput" not in found) == rearranged
    assert keras.layers.Conv2DTranspose.call.__module__.startswith("keras.")  # as it was


def test_features_that_are_cropped():
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, 2, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Conv2DTranspose(5, 4, 2, padding="same", name="up_conv")(x)
    network = keras.Model(inputs, CropLike(name="crop")([x, inputs]))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    for height in (8, 9):
        assert_same(model, tiny.batch(2, height=height)[0])


@pytest.mark.parametrize("constant_of", [constant, None])
def test_auxiliary_outputs_are_not_computed(constant_of):
    settings = {"auxiliary_weights": (0.5, 0.25)}
    model = randomize(Segmenter(auxiliary_network(), {"rgb": 3, "depth": 1}, **settings))
    assert_same(model, tiny.batch(2)[0])
    plain = Segmenter(model.network)
    x = tiny.batch(2)[0]
    found, expected = (operations(InferenceForm(m, constant_of), x) for m in (model, plain))
    assert found == expected and found.count("Conv2D") == 3


def test_dropout_at_test_stays():
    model = tiny_translator.tiny_translator(2, dropout=0.5, dropout_at_test=True)
    x, _ = tiny_translator.batch(2)
    form = InferenceForm(model)
    assert distance(form(x)["ensemble"], form(x)["ensemble"]) > 1e-3
    compiled = tf.function(form, autograph=False)
    assert distance(compiled(x)["ensemble"], compiled(x)["ensemble"]) > 1e-3
    model.dropout_at_test = False
    assert_same(model, x)


def test_mixed_precision_runs_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = tiny_segmenter(2, ChannelExchanging())
    keras.config.set_dtype_policy("float32")
    exact = tiny_segmenter(2, ChannelExchanging())
    x, _ = tiny.batch(2)
    outputs = traced(InferenceForm(mixed), x)["ensemble"]
    assert distance(outputs, exact(x)["ensemble"]) < 1e-5


def test_not_one_of_our_models():
    with pytest.raises(ValueError, match="must be a Segmenter or a Translator"):
        InferenceForm(keras.Sequential(name="plain"))
