import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_asym.export import InferenceForm
from keras_asym.fusion import (
    AsymmetricFusion,
    Averaging,
    ChannelExchanging,
    Combined,
    PrivateNormalization,
    SharedNormalizations,
    UnsharedNetworks,
)
from keras_asym.layers import ChannelExchange, ResizeLike
from keras_asym.models import Segmenter
from keras_asym.networks import EfficientNetLite0, Realtime
from keras_asym.ops import resize, resize_bilinear
from tests.helpers import distance, images, randomize
from tests.models import tiny, tiny_translator
from tests.models.tiny import tiny_segmenter

SITES = r"stack0_block0_2_bn$"
SYSTEMS = {
    "private": PrivateNormalization(),
    "exchange": ChannelExchanging(sites=SITES),
    "rank": ChannelExchanging(sites=SITES, target_rate=0.5),
    "asymmetric": AsymmetricFusion(sites="stack0_block0_2_conv"),
    "shared": SharedNormalizations(),
    "merged": Averaging(sites="stack0_block0_2_relu"),
    "unshared": Combined([UnsharedNetworks(), ChannelExchanging(sites=SITES)]),
}


def traced(model, x):
    """A graph with dynamic sizes, as a function of images by name."""
    names = model.modality_names
    specs = {n: tf.TensorSpec((None, None, None, x[n].shape[-1]), "float32") for n in names}
    form = InferenceForm(model, side_by_side=True)
    function = tf.function(lambda **images: form(images), autograph=False)
    return function.get_concrete_function(**specs)


def assert_same(model, x):
    x = {name: tf.constant(x[name]) for name in model.modality_names}
    outputs, expected = traced(model, x)(**x), model(x, training=False)
    assert set(outputs) == set(expected)
    for key, value in expected.items():
        assert distance(outputs[key], value) < 1e-5, key


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_same_answers(system, count):
    if count == 1 and system in ("merged", "unshared"):
        return
    assert_same(tiny_segmenter(count, SYSTEMS[system]), tiny.batch(count, height=9)[0])


@pytest.mark.parametrize("names", [["depth"], ["rgb", "normal"]])
@pytest.mark.parametrize("system", ["exchange", "asymmetric", "shared", "unshared"])
def test_a_subset(system, names):
    assert_same(tiny_segmenter(3, SYSTEMS[system]).select(names), tiny.batch(3)[0])


@pytest.mark.parametrize("ensemble", ["class", "pixel"])
def test_other_ensembles(ensemble):
    assert_same(tiny_segmenter(3, ensemble=ensemble), tiny.batch(3)[0])


def test_other_norms():
    """Instance norms are no part of a kernel: they run folded."""
    model = tiny_translator.tiny_translator(2, ChannelExchanging(sites="norm$"))
    assert_same(model, tiny_translator.batch(2)[0])


def realtime(fusion=None):
    network = Realtime(EfficientNetLite0(width=4), 5, 8)
    return randomize(Segmenter(network, {"rgb": 3, "depth": 1}, fusion or ChannelExchanging()))


def test_norms_follow_their_convolutions():
    model = realtime()
    x = {"rgb": images(1, 64, 96, 3), "depth": images(1, 64, 96, 1, seed=1)}
    assert_same(model, x)
    operations = traced(model, x).graph.get_operations()
    kinds = [operation.type for operation in operations]
    assert kinds.count("ResizeBilinear") == 3 * 2 + 3  # of the head, and of the logits
    kernels = [x for x in operations if "Conv2d" in x.type or x.type == "Conv2D"]
    users = [user.type for x in kernels for user in x.outputs[0].consumers()]
    assert users.count("Conv2D") == 1  # of the one that repeats depth's channel
    assert set(users) == {"BiasAdd", "Mul", "Conv2D"}  # without a change of the shape in between
    assert all(len(y.shape) <= 4 for x in operations for y in x.outputs if y.shape.rank)


def test_a_norm_behind_a_biased_or_activated_convolution():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, bias_initializer="normal", name="a")(inputs)
    x = keras.layers.BatchNormalization(name="a_bn")(x)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="b")(x)
    x = keras.layers.BatchNormalization(scale=False, name="b_bn")(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="c")(x)
    x = keras.layers.BatchNormalization(center=False, name="c_bn")(x)
    network = keras.Model(inputs, keras.layers.Conv2D(5, 1, name="classifier")(x))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    assert_same(model, {"rgb": images(1, 16, 24, 3), "depth": images(1, 16, 24, 1)})


def test_repeated_channels():
    assert_same(tiny_segmenter(2), {"rgb": images(1, 16, 24, 3), "depth": images(1, 16, 24, 1)})
    model = randomize(Segmenter(tiny.tiny_network(), {"rgb": 3, "flow": 2}))
    assert_same(model, {"rgb": images(1, 16, 24, 3), "flow": images(1, 16, 24, 2)})


def exchanging_network():
    """Exchanges before and behind all that can and that cannot be computed in part."""
    inputs = keras.Input((None, None, 3))
    layers = keras.layers
    x = layers.Conv2D(6, 3, 2, padding="same", bias_initializer="normal", name="a")(inputs)
    x = layers.BatchNormalization(name="a_bn")(x)
    x = layers.LeakyReLU(name="a_relu")(x)
    x = layers.ZeroPadding2D(1, name="a_pad")(x)
    x = layers.DepthwiseConv2D(3, bias_initializer="normal", name="b")(x)
    x = shortcut = layers.BatchNormalization(name="b_bn")(x)
    x = layers.Conv2D(8, 3, padding="same", dilation_rate=2, bias_initializer="normal", name="c")(x)
    x = layers.BatchNormalization(center=False, name="c_bn")(x)
    x = layers.ReLU(name="c_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="d")(x)
    x = layers.BatchNormalization(name="d_bn")(x)  # with c_bn exchanged twice
    x = layers.Conv2D(6, 1, bias_initializer="normal", name="e")(x)
    x = layers.BatchNormalization(name="e_bn")(x)
    x = layers.Add(name="add")([x, shortcut])
    x = layers.BatchNormalization(name="add_bn")(x)  # behind no convolution
    x = layers.Conv2D(8, 3, groups=2, padding="same", name="f")(x)
    x = layers.BatchNormalization(name="f_bn")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="g")(x)
    x = layers.BatchNormalization(name="g_bn")(x)
    x = layers.Conv2D(8, 1, name="h")(x)
    x = layers.BatchNormalization(name="h_bn")(x)
    x = layers.Conv2D(8, 1, activation="relu", name="i")(x)
    return keras.Model(inputs, layers.Conv2D(5, 1, name="classifier")(x))


@pytest.mark.parametrize("rule", ["rank", "random", "all"])
@pytest.mark.parametrize("count, sites", [(2, "bn$"), (2, "[adefghi]_bn$"), (4, "[adefghi]_bn$")])
def test_exchange_of_channels_computed_in_part(count, sites, rule):
    how = {"target_rate": 0.5} if rule == "rank" else {"rule": rule, "rate": 0.4}
    names = ["rgb", "normal", "depth", "flow"][:count]
    fusion = ChannelExchanging(sites=sites, **how)
    model = randomize(Segmenter(exchanging_network(), dict.fromkeys(names, 3), fusion))
    x = {name: images(1, 16, 24, 3, seed=seed) for seed, name in enumerate(names)}
    assert_same(model, x)
    assert_same(model.select(names[:-1]), x)


def test_channels_that_are_given_up_are_not_computed():
    sites = r"stack\d_block\d_2_bn$"
    model = realtime(ChannelExchanging(sites=sites, target_rate=0.5))
    x = {"rgb": images(1, 64, 96, 3), "depth": images(1, 64, 96, 1, seed=1)}
    assert_same(model, x)
    operations = traced(model, x).graph.get_operations()
    computed = [x.outputs[0].shape[-1] for x in operations if x.type.startswith("Depthwise")]
    layers = {layer.name: layer for layer in model.network.layers}
    expected = []
    for name, layer in layers.items():
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            norm = layers.get(name.replace("_conv", "_bn_exchange"))
            if isinstance(norm, ChannelExchange):
                expected += np.sum(norm.keep_mask(), axis=1).tolist()
            else:
                expected += 2 * [layer.kernel.shape[2]]
    assert sorted(computed) == sorted(expected) and len(set(expected)) > 3


@pytest.mark.parametrize("align_corners", [True, False])
def test_resizing_as_one_operation(align_corners):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, 2, padding="same", name="a")(inputs)
    x = keras.layers.BatchNormalization(name="a_bn")(x)
    x = ResizeLike(align_corners)([x, inputs])
    network = keras.Model(inputs, keras.layers.Conv2D(5, 1, name="classifier")(x))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    assert_same(model, {"rgb": images(1, 15, 24, 3), "depth": images(1, 15, 24, 1)})


def test_nothing_is_left_behind():
    model = tiny_segmenter(2)
    x = tiny.batch(2)[0]
    before, own = model(x)["ensemble"], resize._resize
    traced(model, x)
    assert "call" not in vars(model.network) and resize._resize is own
    np.testing.assert_array_equal(model(x)["ensemble"], before)
    assert resize_bilinear(np.ones((1, 2, 2, 1), "float32"), (3, 3)).shape == (1, 3, 3, 1)


def test_who_is_present():
    """With `presence` the network runs folded, as a service for any subset needs it."""
    model = tiny_segmenter(2, SYSTEMS["exchange"])
    x = {**tiny.batch(2)[0], "present": np.array([[True, False]] * 4)}
    outputs = InferenceForm(model, side_by_side=True)(x)
    assert distance(outputs["ensemble"], model(x)["ensemble"]) < 1e-5
