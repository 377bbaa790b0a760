import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import FusionStrategy, GraphEdits, to_multimodal
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
