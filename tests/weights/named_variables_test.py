import keras
import pytest
from keras import layers

from keras_asym.fusion import ChannelExchanging
from keras_asym.weights import named_variables
from tests.models.tiny import tiny_segmenter


class Block(layers.Layer):
    """Two norms inside of one layer, as in a transformer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm1 = layers.LayerNormalization(name="norm1")
        self.norm2 = layers.LayerNormalization(name="norm2")

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), name="scale")
        self.norm1.build(input_shape)
        self.norm2.build(input_shape)

    def call(self, x):
        return self.norm2(self.norm1(x)) * self.scale


def model(*of):
    inputs = keras.Input((3,))
    x = inputs
    for layer in of:
        x = layer(x)
    return keras.Model(inputs, x)


def test_plain_layers_and_what_an_exchange_wraps():
    found = named_variables(tiny_segmenter(2, ChannelExchanging()))
    assert {name for _, name in found} >= {"kernel", "gamma", "alpha"}
    assert not any("/" in name for _, name in found)
    assert not any(layer.endswith("_exchange") for layer, _ in found)
    assert all(key[1] == variable.name for key, variable in found.items())


def test_composite_layers():
    network = model(Block(name="block0"), Block(name="block1"))
    found = named_variables(network)
    assert len(found) == len(network.weights) == 10
    assert found["block0", "norm1/gamma"] is network.layers[1].norm1.gamma
    assert found["block1", "norm2/beta"] is network.layers[2].norm2.beta
    assert found["block1", "scale"] is network.layers[2].scale


def test_nested_models():
    inner = model(layers.Dense(3, name="a"), layers.Dense(3, name="b"))
    found = named_variables(model(inner))
    assert {name for _, name in found} == {"a/kernel", "a/bias", "b/kernel", "b/bias"}


def test_two_variables_of_one_name_are_an_error():
    twice = Block(name="block0")
    twice.norm2 = layers.LayerNormalization(name="norm1")
    with pytest.raises(
        ValueError, match=r"Received: 'block0/norm1/gamma' and 'block0/norm1/gamma'.*other names"
    ):
        named_variables(model(twice))
