import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityBatchNormalization, ModalityBlock, ModalityLayerNormalization
from tests.helpers import images, randomize
from tests.layers.contract import CHANNELS, LayerContract


@keras.saving.register_keras_serializable(package="tests")
class Residual(keras.layers.Layer):
    """A norm in an attribute and one in a list, with a shared layer between them."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.first = keras.layers.LayerNormalization(epsilon=1e-5, name="first", dtype=dtype)
        self.rest = [
            keras.layers.Dense(CHANNELS, name="dense", dtype=dtype),
            keras.layers.BatchNormalization(name="second", dtype=dtype),
        ]

    def call(self, inputs, training=None):
        x = self.first(inputs)
        for layer in self.rest:
            x = layer(x)
        return inputs + x


def block(modalities):
    norms = {
        "first": ModalityLayerNormalization(modalities, epsilon=1e-5, name="first"),
        "rest.1": ModalityBatchNormalization(modalities, name="second"),
    }
    plain = keras.saving.serialize_keras_object(Residual(name="residual"))
    arguments = ((keras.KerasTensor((None, None, None, CHANNELS)),), {})
    return ModalityBlock(modalities, plain, norms, arguments)


class TestContract(LayerContract):
    training = (False, True)
    all_present = 1e-6

    def make(self, modalities):
        return block(modalities)


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_each_modality_has_its_norms_and_shares_the_rest(modalities):
    layer, plain = block(modalities), Residual()
    plain(images(1, 4, 5, CHANNELS))
    randomize(layer)
    assert len(layer.weights) == len(plain.weights)
    plain.rest[0].set_weights(layer.layer.rest[0].get_weights())
    x = images(2, modalities, 4, 5, CHANNELS)
    y = np.reshape(layer(x.reshape(-1, 4, 5, CHANNELS)), x.shape)
    for row in range(modalities):
        for norm, private in ((plain.first, "first"), (plain.rest[1], "rest.1")):
            norm.set_weights([w[row] for w in layer.norms[private].get_weights()])
        np.testing.assert_allclose(y[:, row], plain(x[:, row]), atol=2e-6)


def test_weights_of_the_norms_are_counted_once():
    layer = block(2)
    names = sorted(w.path.split("/")[-1] for w in layer.weights)
    assert names == sorted(
        ["gamma", "beta", "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"]
    )
    assert layer.layer.first is layer.norms["first"]
    assert layer.layer.rest[1] is layer.norms["rest.1"]


def test_name_and_dtype_are_those_of_the_layer():
    plain = keras.saving.serialize_keras_object(Residual(name="residual", dtype="mixed_bfloat16"))
    tokens = keras.KerasTensor((None, 5, CHANNELS), "bfloat16")
    layer = ModalityBlock(2, plain, {}, ((tokens,), {}))
    assert layer.name == "residual" and layer.dtype_policy.name == "mixed_bfloat16"


def test_a_place_without_a_layer():
    norms = {"third": ModalityLayerNormalization(2), "rest.7": ModalityLayerNormalization(2)}
    with pytest.raises(ValueError, match=r"places inside .*'residual'.*\['rest.7', 'third'\]"):
        block(2).replace(norms)


@pytest.mark.parametrize("batch", [None, 6])
def test_symbolic_batch(batch):
    """JAX does not divide an unknown one by the number of modalities."""
    inputs = keras.Input(batch_shape=(batch, 4, 5, CHANNELS))
    assert block(3)(inputs).shape == (batch, 4, 5, CHANNELS)
