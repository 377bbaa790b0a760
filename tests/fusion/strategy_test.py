import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import FusionStrategy, GraphEdits, find_sites, to_multimodal
from tests.helpers import images, run

X = {"rgb": images(2, 4, 5, 3), "depth": images(2, 4, 5, 3, seed=1)}


class Edited(FusionStrategy):
    """A strategy with edits as they are given."""

    def __init__(self, **edits):
        self.given = edits

    def edits(self, network, modalities):
        return GraphEdits(**self.given)


def multimodal(**edits):
    inputs = keras.Input((4, 5, 3))
    x = layers.Dense(3, name="conv", kernel_initializer="identity")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = keras.ops.relu(x)
    network = keras.Model(inputs, layers.Identity(name="end")(x), name="small")
    return to_multimodal(network, dict.fromkeys(X, 3), Edited(**edits))


def test_a_site_hands_its_input_to_its_end():
    """What came to the first layer, in front of `before`, not what the last one was given."""
    model = multimodal(
        before={"conv": lambda x: 0.0 * x},
        after={"end": lambda y, x: y + x},
        sites={"end": "conv"},
    )
    for name, value in run(model, X).items():
        np.testing.assert_allclose(value, X[name], atol=1e-6)


def test_a_layer_is_a_site_of_its_own():
    model = multimodal(after={"conv": lambda y, x: 3.0 * x, "end": lambda y, x: y - 2 * x})
    for name, value in run(model, X).items():
        np.testing.assert_allclose(value, -3 * np.maximum(X[name], 0) * 0.9995, rtol=1e-3)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"before": {"cnov": None}}, r"GraphEdits\.before.*'cnov', which is none"),
        ({"after": {"cnov": None}}, r"GraphEdits\.after.*'cnov', which is none"),
        ({"normalization": {"conv": None}}, r"must name normalization layers.*'conv', which"),
        ({"sites": {"end": "cnov"}}, r"GraphEdits\.sites.*'cnov', which is none"),
        ({"sites": {"edn": "conv"}}, r"GraphEdits\.sites.*'edn', which is none"),
    ],
)
def test_names_of_no_layer(edits, message):
    with pytest.raises(ValueError, match=message):
        multimodal(**edits)


def test_an_edit_of_a_layer_that_is_called_twice():
    inputs = keras.Input((4, 5, 3))
    conv = layers.Conv2D(3, 3, padding="same", name="conv")
    x = layers.BatchNormalization(name="bn")(conv(inputs))
    network = keras.Model(inputs, conv(x), name="small")
    for edits in ({"after": {"conv": lambda y, x: y}}, {"before": {"conv": lambda x: x}}):
        with pytest.raises(ValueError, match="cannot edit layer 'conv': network 'small' calls it"):
            to_multimodal(network, dict.fromkeys(X, 3), Edited(**edits))
    to_multimodal(network, dict.fromkeys(X, 3))  # which is fine without


def test_sites_by_kind():
    inputs = keras.Input((4, 5, 3))
    x = layers.Conv2D(3, 1, name="a_conv")(inputs)
    x = layers.BatchNormalization(name="a_bn")(x)
    network = keras.Model(inputs, layers.LayerNormalization(name="b_ln")(x), name="small")
    assert list(find_sites(network, "a_", "convolution")) == ["a_conv"]
    assert list(find_sites(network, "_", "normalization")) == ["a_bn", "b_ln"]
    with pytest.raises(ValueError, match="sites='z'; its convolutions are: a_conv"):
        find_sites(network, "z", "convolution")
