import keras
import numpy as np
import pytest

from keras_asym.fusion.normalizations import Settings, normalization_of
from keras_asym.layers import ModalityRMSNormalization
from tests.helpers import images
from tests.layers.contract import LayerContract
from tests.layers.row_by_row import compare


class TestContract(LayerContract):
    def make(self, modalities):
        return ModalityRMSNormalization(modalities, epsilon=1e-5)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("shape", [(3, 6), (3, 4, 6), (3, 4, 5, 6), (2, 3, 4, 5, 6)])
def test_each_modality_is_normalized_as_by_keras(shape, modalities):
    layer = ModalityRMSNormalization(modalities, epsilon=1e-4)
    compare(layer, keras.layers.RMSNormalization(epsilon=1e-4), shape, {"gamma": "scale"})


def test_of_images_as_by_keras_hub():
    """Its mean square is taken over the channels, of each pixel."""
    layers = pytest.importorskip("keras_hub.src.models.mobilenetv5.mobilenetv5_layers")
    plain = layers.RmsNorm2d(6, eps=1e-4)
    plain.build((None, 4, 5, 6))
    layer = normalization_of(plain).private(plain, 2, Settings())
    assert isinstance(layer, ModalityRMSNormalization) and layer.epsilon == 1e-4
    compare(layer, layers.RmsNorm2d(6, eps=1e-4), (3, 4, 5, 6), {"gamma": "gamma"})


def test_formula():
    x = images(4, 5, 6)
    layer = ModalityRMSNormalization(2, axis=[1, 2], epsilon=1e-3)
    expected = x / np.sqrt((x**2).mean((1, 2), keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    assert layer.gamma.shape == (2, 5, 6)
    assert [w.path.split("/")[-1] for w in layer.weights] == ["gamma"]
