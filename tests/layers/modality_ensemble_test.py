import numpy as np
import pytest

from keras_asym.layers import ModalityEnsemble
from tests.helpers import gradients, images, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    identity = True
    all_present = 1e-6

    def make(self, modalities):
        return ModalityEnsemble(modalities)


def built(alpha):
    layer = ModalityEnsemble(len(alpha), name="ensemble")
    layer.build((None, 4, 5, 6))
    np.testing.assert_array_equal(layer.alpha, np.ones(len(alpha)))
    layer.alpha.assign(alpha)
    return layer


def softmax(alpha):
    return np.exp(alpha) / np.exp(alpha).sum()


@pytest.mark.parametrize("alpha", [[0.3], [0.5, -1.0], [2.0, 0.0, -0.5]])
def test_values(alpha):
    x = images(2, len(alpha), 4, 5, 6)
    expected = np.einsum("bmhwc,m->bhwc", x, softmax(np.array(alpha)))
    layer = built(alpha)
    np.testing.assert_allclose(layer(x.reshape(-1, 4, 5, 6)), expected, atol=1e-6)
    np.testing.assert_allclose(layer.weights_of(), softmax(np.array(alpha)), rtol=1e-6)


def test_softmax_is_taken_over_the_present():
    layer = built([2.0, 0.0, -0.5])
    x = images(2, 2, 4, 5, 6)
    expected = np.einsum("bmhwc,m->bhwc", x, softmax(np.array([2.0, -0.5])))
    y = layer(x.reshape(4, 4, 5, 6), present=(0, 2))
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_array_equal(layer(x[:, 0], present=(1,)), x[:, 0])


def test_gradient_reaches_alpha_alone():
    of_weights, (of_inputs,) = gradients(built([0.5, -1.0]), images(4, 4, 5, 6), uneven_sum)
    assert (of_weights["ensemble/alpha"] != 0).all()
    assert (of_inputs == 0).all()


def test_one_branch_has_nothing_to_learn():
    assert built([1.0]).trainable_variables == []
    assert len(built([1.0, 1.0]).trainable_variables) == 1
