import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityInstanceNormalization
from tests.helpers import arrays, gradients, images, randomize, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    training = (None, True)

    def make(self, modalities):
        return ModalityInstanceNormalization(modalities)


def built(modalities, **kwargs):
    layer = ModalityInstanceNormalization(modalities, **kwargs)
    layer.build((None, None, None, 6))
    return randomize(layer)


def normalized(x, epsilon):
    mean = x.mean((-3, -2), keepdims=True)
    return (x - mean) / np.sqrt(x.var((-3, -2), keepdims=True) + epsilon)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize(("center", "scale"), [(True, True), (False, True), (True, False)])
def test_values(modalities, center, scale):
    layer = built(modalities, epsilon=1e-2, center=center, scale=scale)
    x = 3 * images(2, modalities, 5, 7, 6) + 1
    expected = normalized(x, 1e-2)
    if scale:
        expected = expected * arrays(layer.gamma)[0][:, None, None]
    if center:
        expected = expected + arrays(layer.beta)[0][:, None, None]
    y = np.reshape(layer(x.reshape(-1, 5, 7, 6)), x.shape)
    np.testing.assert_allclose(y, expected, atol=2e-5)


def test_statistics_are_the_instances_in_training_too():
    layer, x = built(2), images(4, 5, 7, 6)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    alone = layer(x[2:])
    np.testing.assert_allclose(layer(x)[2:], alone, atol=1e-6)


@pytest.mark.parametrize("present", [(1,), (0, 2)])
def test_present_modalities_use_their_rows(present):
    layer, x = built(3), images(2, 3, 5, 7, 6)
    full = np.reshape(layer(x.reshape(-1, 5, 7, 6)), x.shape)
    part = layer(x[:, list(present)].reshape(-1, 5, 7, 6), present=present)
    part = np.reshape(part, (2, len(present), 5, 7, 6))
    np.testing.assert_allclose(part, full[:, list(present)], atol=1e-6)


def test_gamma_of_a_modality_learns_from_it_alone():
    layer, x = built(2), images(4, 5, 7, 6)
    of_weights, _ = gradients(layer, x, lambda y: uneven_sum(y[0::2]))
    for gradient in of_weights.values():
        assert (gradient[0] != 0).all() and (gradient[1] == 0).all()


def test_regularizer_acts():
    layer = ModalityInstanceNormalization(2, gamma_regularizer=keras.regularizers.L1(0.5))
    layer.build((None, 4, 4, 3))
    np.testing.assert_allclose(sum(layer.losses), 3.0)


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_moving_averages_where_told(modalities):
    layer = ModalityInstanceNormalization(modalities, instance_statistics=False, momentum=0.75)
    layer.build((None, None, None, 6))
    x = 3 * images(4, modalities, 5, 7, 6) + 1
    trained = layer(x.reshape(-1, 5, 7, 6), training=True)
    np.testing.assert_allclose(np.reshape(trained, x.shape), normalized(x, 1e-5), atol=2e-5)
    mean = 0.25 * x.mean((2, 3)).mean(0)
    variance = 0.75 + 0.25 * x.var((2, 3)).mean(0)
    np.testing.assert_allclose(layer.moving_mean, mean, atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, variance, atol=1e-5)
    y = np.reshape(layer(x.reshape(-1, 5, 7, 6), training=False), x.shape)
    expected = (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
    np.testing.assert_allclose(y, expected, atol=2e-5)
    np.testing.assert_allclose(layer.moving_mean, mean, atol=1e-5)


def test_moving_averages_of_absent_modalities_stay():
    layer = ModalityInstanceNormalization(3, instance_statistics=False)
    layer.build((None, None, None, 6))
    layer(1 + images(4, 5, 7, 6), training=True, present=(0, 2))
    moved = np.abs(arrays(layer.moving_mean)[0]).max(-1)
    assert moved[0] > 0 and moved[1] == 0 and moved[2] > 0
