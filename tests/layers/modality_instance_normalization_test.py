import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityInstanceNormalization, SelectedModalities
from tests.helpers import arrays, gradients, images, randomize, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    training = (None, True)

    def make(self, modalities):
        return ModalityInstanceNormalization(modalities)


class TestContractWithMovingAverages(LayerContract):
    training = (False, True)
    all_present = 1e-6

    def make(self, modalities):
        return ModalityInstanceNormalization(modalities, instance_statistics=False)


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


@pytest.mark.parametrize("rows", [(1,), (0, 2), (2, 0)])
def test_selected_modalities_use_their_rows(rows):
    layer, x = built(3), images(2, 3, 5, 7, 6)
    full = np.reshape(layer(x.reshape(-1, 5, 7, 6)), x.shape)
    part = SelectedModalities(layer, rows)(x[:, list(rows)].reshape(-1, 5, 7, 6))
    part = np.reshape(part, (2, len(rows), 5, 7, 6))
    np.testing.assert_allclose(part, full[:, list(rows)], atol=1e-6)


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


def test_moving_averages_of_modalities_that_are_not_selected_stay():
    layer = ModalityInstanceNormalization(3, instance_statistics=False)
    layer.build((None, None, None, 6))
    SelectedModalities(layer, (0, 2))(1 + images(4, 5, 7, 6), training=True)
    moved = np.abs(arrays(layer.moving_mean)[0]).max(-1)
    assert moved[0] > 0 and moved[1] == 0 and moved[2] > 0


def test_moving_averages_are_of_the_examples_that_have_the_modality():
    layer = ModalityInstanceNormalization(3, instance_statistics=False, momentum=0.75)
    layer.build((None, None, None, 6))
    x = 3 * images(4, 3, 5, 7, 6) + 1
    presence = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 1]], bool)
    layer(x.reshape(-1, 5, 7, 6), training=True, presence=presence)
    for row in (0, 2):
        own = x[presence[:, row], row]
        mean, variance = own.mean((1, 2)).mean(0), own.var((1, 2)).mean(0)
        np.testing.assert_allclose(layer.moving_mean[row], 0.25 * mean, atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance[row], 0.75 + 0.25 * variance, atol=1e-5)
    assert (arrays(layer.moving_mean)[0][1] == 0).all()
    assert (arrays(layer.moving_variance)[0][1] == 1).all()


def test_moving_averages_of_a_frozen_layer_stay_and_are_used():
    layer = built(2, instance_statistics=False, trainable=False)
    before, x = arrays(layer.weights), images(4, 5, 7, 6)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    for value, old in zip(arrays(layer.weights), before, strict=True):
        np.testing.assert_array_equal(value, old)
