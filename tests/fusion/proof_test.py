import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    FusionStrategy,
    GraphEdits,
    PrivateNormalization,
    proof,
    to_multimodal,
)
from keras_asym.fusion.proof import prove
from keras_asym.layers import ModalityBatchNormalization, ModalityLayer
from keras_asym.ops import from_next, merge_axis, split_axis
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, arrays, images, run

PAIR = {"rgb": 3, "depth": 3}


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize(
    "fusion",
    [PrivateNormalization(), ChannelExchanging(threshold=0.5), AsymmetricFusion()],
    ids=lambda s: type(s).__name__,
)
def test_our_strategies_leave_a_lone_modality_alone(fusion, modalities):
    network = bottlenecks(blocks=(1, 2))
    names = ["rgb", "depth", "edge"][:modalities]
    model = to_multimodal(network, dict.fromkeys(names, 3), fusion, check=True)
    for layer in model._flatten_layers():  # the weights are the plain ones again
        if isinstance(layer, ModalityBatchNormalization):
            plain = arrays(network.get_layer(layer.name).weights)
            for rows, weight in zip(arrays(layer.weights), plain, strict=True):
                np.testing.assert_array_equal(rows, np.broadcast_to(weight, rows.shape))


class Mix(ModalityLayer):
    """A fusion layer that looks at the next modality, present or not."""

    def call(self, inputs):
        x = split_axis(inputs, self.count)
        return merge_axis(0.9 * x + 0.1 * from_next(x))


class MixExamples(layers.Layer):
    """One that takes the examples of another number of modalities together."""

    def call(self, inputs):
        return 0.5 * (inputs + keras.ops.roll(inputs, 1, axis=0))


class ForgetsRows(ModalityBatchNormalization):
    """A private norm that all modalities share in truth."""

    def pick(self, weight):
        row = keras.ops.convert_to_tensor(weight)[:1]
        return keras.ops.repeat(row, self.count, axis=0)


class Adding(FusionStrategy):
    def __init__(self, make):
        self.make = make

    def edits(self, network, modalities):
        def after(y, x):
            return self.make(modalities)(y)

        return GraphEdits(after={"stack0_block0_1_conv": after})


@pytest.mark.parametrize(
    "make", [lambda m: Mix(m, name="mix"), lambda m: MixExamples(name="mix")], ids=["mix", "roll"]
)
def test_a_fusion_layer_that_uses_what_is_absent(make):
    with pytest.raises(ValueError, match=r"branch of modality 0 is not .*'stack0_block0_1_bn'"):
        to_multimodal(bottlenecks(blocks=(1, 2)), PAIR, Adding(make), check=True)
    to_multimodal(bottlenecks(blocks=(1, 2)), PAIR, Adding(make), check=False)


def test_a_norm_that_is_not_private(monkeypatch):
    monkeypatch.setattr(ModalityBatchNormalization, "pick", ForgetsRows.pick)
    with pytest.raises(ValueError, match=r"branch of modality 1 is not .*differs is 'stem_bn'"):
        to_multimodal(bottlenecks(blocks=(1, 2)), PAIR, check=True)


class Centre(layers.Layer):
    """Subtracts the mean over the batch."""

    def call(self, inputs):
        return inputs - keras.ops.mean(inputs, axis=0, keepdims=True)


class Pairs(layers.Layer):
    """Puts examples into pairs."""

    def call(self, inputs):
        x = keras.ops.reshape(inputs, (-1, 1, *inputs.shape[1:]))
        return keras.ops.reshape(x - keras.ops.roll(x, 1, axis=0), (-1, *inputs.shape[1:]))


@pytest.mark.parametrize("layer", [Centre, Pairs, lambda name: TokenNorm(name=name)])
def test_what_looks_across_the_batch_axis(layer):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    network = keras.Model(inputs, layer(name="across")(x), name="net")
    with pytest.raises(ValueError, match=r"branch of modality . is not .*differs is 'across'"):
        to_multimodal(network, PAIR, check=True)


class TokenNorm(layers.Layer):
    """A norm inside of a layer that puts positions into the batch axis in front of it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.LayerNormalization()

    def call(self, inputs):
        x = keras.ops.reshape(inputs, (-1, inputs.shape[-1]))
        return keras.ops.reshape(self.norm(x), (-1, *inputs.shape[1:]))


def test_a_layer_that_counts_on_a_batch_size():
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(inputs)
    x = keras.ops.reshape(x, (1, 8, 8, 3))
    network = keras.Model(inputs, layers.Conv2D(2, 1)(x), name="net")
    with pytest.raises(ValueError, match=r"batch of folded modalities|is not the network 'net'"):
        to_multimodal(network, PAIR, check=True)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow only")
def test_not_inside_of_a_function():
    import tensorflow as tf

    @tf.function(autograph=False)
    def inside():
        prove(None, None, None, 0)  # with nothing to prove it would fail
        return tf.constant(1)

    assert inside() == 1
    with pytest.raises(TypeError):
        prove(None, None, None, 0)


@LONG_ON_JAX
def test_a_network_of_a_large_stride():
    """The image is as large as the network needs it; its own error is told where none fits."""
    from keras_asym.networks import UNetGenerator

    network = UNetGenerator(filters=1, depth=7)  # stride 128
    assert run(to_multimodal(network, PAIR, check=True), {n: images(1, 128, 128, 3) for n in PAIR})
    inputs = keras.Input((None, None, 3))
    x = layers.BatchNormalization()(inputs)
    x = layers.Concatenate()([x, layers.Cropping2D(1)(x)[:, :7]])
    with pytest.raises(Exception, match="Concatenat"):
        to_multimodal(keras.Model(inputs, x), PAIR, check=True)


class Chaos(layers.Layer):
    """The logistic map, which doubles what differs in the last digits at each of 18 steps."""

    def call(self, inputs):
        x = keras.ops.sigmoid(inputs)
        for _ in range(18):
            x = 3.99 * x * (1 - x)
        return x


def test_a_network_that_enlarges_rounding_errors(monkeypatch):
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(16, 3, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    network = keras.Model(inputs, Chaos()(layers.Conv2D(16, 3)(x)), name="net")
    to_multimodal(network, PAIR, check=True)
    monkeypatch.setattr(proof, "_tolerance", lambda *arguments: 1e-3)
    with pytest.raises(ValueError, match="differs is 'chaos'"):  # it does, by rounding
        to_multimodal(network, PAIR, check=True)


class AlwaysNoisy(layers.GaussianNoise):
    """Random at test time, too: nothing can be compared."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=True)


def test_a_network_that_is_random_at_test_time():
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(inputs)
    network = keras.Model(inputs, AlwaysNoisy(1.0)(x))
    to_multimodal(network, PAIR, check=True)
