import keras
import numpy as np
import pytest

from keras_asym.layers import AdaptiveAveragePool
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return AdaptiveAveragePool(modalities + 1)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
@pytest.mark.parametrize(("height", "width"), [(12, 6), (11, 17), (7, 2), (1, 1), (90, 89)])
def test_average_of_each_part(size, height, width):
    """With the borders as PyTorch's documentation has them, in whole numbers."""
    x = images(2, height, width, 3)
    result = np.asarray(AdaptiveAveragePool(size)(x))
    for row in range(size):
        for column in range(size):
            rows = slice(row * height // size, -(-(row + 1) * height // size))
            columns = slice(column * width // size, -(-(column + 1) * width // size))
            expected = x[:, rows, columns].mean((1, 2))
            np.testing.assert_allclose(result[:, row, column], expected, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(12, 6), (11, 17)])
def test_as_the_layer_of_keras(height, width):
    x = images(2, height, width, 3)
    np.testing.assert_allclose(
        AdaptiveAveragePool(3)(x), keras.layers.AdaptiveAveragePooling2D(3)(x), atol=1e-6
    )


@pytest.mark.parametrize("size", [0, 1.5, (2, 2)])
def test_wrong_size(size):
    with pytest.raises(ValueError, match=r"`size` must be a positive integer\. Received: size="):
        AdaptiveAveragePool(size)
