import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityLayerNormalization, SelectedModalities
from tests.helpers import images, randomize
from tests.layers.contract import LayerContract
from tests.layers.row_by_row import compare


class TestContract(LayerContract):
    def make(self, modalities):
        return ModalityLayerNormalization(modalities, epsilon=1e-5)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((3, 6), -1),
        ((3, 4, 6), -1),
        ((3, 4, 6), [1, 2]),
        ((3, 4, 5, 6), -1),
        ((3, 4, 5, 6), [1, 2]),
        ((3, 4, 5, 6), [-2, -1]),
        ((3, 4, 5, 6), [3, 1]),
        ((2, 3, 4, 5, 6), -1),
        ((2, 3, 4, 5, 6), [-2, -1]),
    ],
)
def test_each_modality_is_normalized_as_by_keras(shape, axis, modalities):
    layer = ModalityLayerNormalization(modalities, axis=axis, epsilon=1e-4)
    compare(layer, keras.layers.LayerNormalization(axis=axis, epsilon=1e-4), shape)


@pytest.mark.parametrize(("center", "scale"), [(False, True), (True, False), (False, False)])
def test_without_gamma_or_beta(center, scale):
    settings = {"center": center, "scale": scale}
    layer = ModalityLayerNormalization(2, **settings)
    compare(layer, keras.layers.LayerNormalization(**settings), (3, 4, 6))
    assert (layer.gamma is None) is not scale and (layer.beta is None) is not center


def test_gamma_is_of_each_modality():
    layer = ModalityLayerNormalization(3, axis=[1, 2])
    layer.build((None, 4, 6))
    assert layer.gamma.shape == layer.beta.shape == (3, 4, 6)
    x = np.repeat(images(1, 4, 6), 3, axis=0)
    y = np.asarray(layer(x))
    np.testing.assert_array_equal(y[0], y[1])
    layer.gamma.assign(layer.gamma * np.array([1, 2, 3]).reshape(3, 1, 1))
    z = np.asarray(layer(x))
    np.testing.assert_array_equal(z[0], y[0])
    np.testing.assert_allclose(z[1], 2 * y[1], rtol=1e-6)
    np.testing.assert_allclose(z[2], 3 * y[2], rtol=1e-6)


@pytest.mark.parametrize("rows", [(1,), (0, 2), (2, 0)])
def test_selected_modalities_use_their_rows(rows):
    layer, x = ModalityLayerNormalization(3), images(2, 3, 4, 6)
    layer.build((None, 4, 6))
    full = np.reshape(randomize(layer)(x.reshape(-1, 4, 6)), x.shape)
    part = SelectedModalities(layer, rows)(x[:, list(rows)].reshape(-1, 4, 6))
    part = np.reshape(part, (2, len(rows), 4, 6))
    np.testing.assert_allclose(part, full[:, list(rows)], atol=1e-6)


@pytest.mark.parametrize("axis", [0, [0, 1], -3])
def test_the_batch_axis_is_not_normalized(axis):
    with pytest.raises(ValueError, match=r"must not normalize the batch axis.*Received: axis="):
        ModalityLayerNormalization(2, axis=axis)(images(4, 5, 6))


def test_a_large_mean_in_half_precision():
    """Statistics are those of float32, where half precision has no digits left."""
    x = (100 + images(4, 8, 6)).astype("float16")
    y = ModalityLayerNormalization(2, dtype="mixed_float16")(x)
    expected = ModalityLayerNormalization(2)(x.astype("float32"))
    np.testing.assert_allclose(np.asarray(y, "float32"), expected, atol=4e-3)
