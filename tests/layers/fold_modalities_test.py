import keras
import numpy as np
import pytest

from keras_asym.layers import FoldModalities
from tests.helpers import gradients, images, uneven_sum
from tests.layers.contract import CHANNELS, LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return FoldModalities()

    def inputs(self, modalities, height=5, width=6):
        return [images(2, height, width, CHANNELS, seed=m) for m in range(modalities)]


class TestContractWithNames(LayerContract):
    def make(self, modalities):
        return FoldModalities(["rgb", "depth", "edge", "thermal"][:modalities])

    def inputs(self, modalities, height=5, width=6):
        names = ["rgb", "depth", "edge", "thermal"][:modalities]
        return {name: images(2, height, width, CHANNELS, seed=len(name)) for name in names}


def test_example_major():
    rgb, depth = images(3, 4, 5, 2, seed=1), images(3, 4, 5, 2, seed=2)
    y = FoldModalities()([rgb, depth])
    for example in range(3):
        np.testing.assert_array_equal(y[2 * example], rgb[example])
        np.testing.assert_array_equal(y[2 * example + 1], depth[example])


def test_names_decide_the_order():
    rgb, depth = images(3, 4, 5, 2, seed=1), images(3, 4, 5, 2, seed=2)
    for inputs in ({"rgb": rgb, "depth": depth}, {"depth": depth, "rgb": rgb}):
        y = FoldModalities(["rgb", "depth"])(inputs)
        np.testing.assert_array_equal(y, FoldModalities()([rgb, depth]))


@pytest.mark.parametrize("other", [(3, 4, 6, 2), (3, 4, 5, 1), (3, 5, 2)])
def test_shapes_that_differ(other):
    with pytest.raises(ValueError, match="must have equal height, width and number of channels"):
        FoldModalities()([images(3, 4, 5, 2), images(*other)])
    with pytest.raises(ValueError, match="must have equal height, width and number of channels"):
        FoldModalities()([keras.KerasTensor((None, 4, 5, 2)), keras.KerasTensor(other)])


def test_missing_modality():
    x = images(3, 4, 5, 2)
    with pytest.raises(ValueError, match=r"modalities \['rgb', 'depth'\]. Received: \['rgb'\]"):
        FoldModalities(["rgb", "depth"])({"rgb": x})
    with pytest.raises(ValueError, match="Received: list"):
        FoldModalities(["rgb", "depth"])([x, x])
    with pytest.raises(ValueError, match=r"needs a list .* give it `names`"):
        FoldModalities()({"rgb": x, "depth": x})


@pytest.mark.parametrize("absent", [np.nan, np.inf, 7.0])
def test_what_stands_in_the_place_of_an_absent_modality_becomes_zeros(absent):
    x = [images(3, 4, 5, 2, seed=m) for m in range(2)]
    presence = np.array([[True, True], [False, True], [True, False]])
    expected = np.stack(x, axis=1) * presence[:, :, None, None, None]
    x[0][1] = x[1][2] = absent
    layer = FoldModalities()
    y = layer(x, presence=presence)
    np.testing.assert_array_equal(np.reshape(y, expected.shape), expected)
    _, of_inputs = gradients(layer, x, uneven_sum, presence=presence)
    for row, value in enumerate(of_inputs):
        assert value[presence[:, row]].all() and not value[~presence[:, row]].any()
