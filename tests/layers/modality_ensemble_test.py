import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityEnsemble, SelectedModalities
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


def test_softmax_is_taken_over_the_selected():
    layer = built([2.0, 0.0, -0.5])
    x = images(2, 2, 4, 5, 6)
    expected = np.einsum("bmhwc,m->bhwc", x, softmax(np.array([2.0, -0.5])))
    y = SelectedModalities(layer, (0, 2))(x.reshape(4, 4, 5, 6))
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_array_equal(SelectedModalities(layer, (1,))(x[:, 0]), x[:, 0])


def test_softmax_is_taken_over_those_that_an_example_has():
    alpha = np.array([2.0, 0.0, -0.5])
    layer = built(alpha)
    pattern = [[0, 2], [1], [0, 1, 2]]
    presence = np.array([[row in rows for row in range(3)] for rows in pattern])
    x = images(3, 3, 4, 5, 6)
    y = layer(x.reshape(-1, 4, 5, 6), presence=presence)
    for example, rows in enumerate(pattern):
        share = np.zeros(3)
        share[rows] = softmax(alpha[rows])
        np.testing.assert_allclose(layer.weights_of(presence)[example], share, atol=1e-6)
        expected = np.einsum("mhwc,m->hwc", x[example], share)
        np.testing.assert_allclose(y[example], expected, atol=1e-6)


def test_an_example_without_any_gives_not_a_number():
    y = built([0.5, -1.0])(images(4, 3, 2), presence=np.array([[True, True], [False, False]]))
    assert np.isfinite(y[0]).all() and np.isnan(y[1]).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "mixed_float16", "float16"])
def test_gradient_of_alpha_in_half_precision(policy):
    """It is a sum over all pixels, which half precision cannot make."""
    x = images(8, 40, 40, 12).astype(policy.removeprefix("mixed_"))
    found = []
    for dtype in ("float32", policy):
        layer = ModalityEnsemble(2, dtype=dtype, name="ensemble")
        layer.build((None, 40, 40, 12))

        def loss(y):  # a mean: what reaches each pixel is small
            return keras.ops.mean(keras.ops.square(keras.ops.cast(y, "float32") - 1))

        found.append(gradients(layer, x, loss)[0]["ensemble/alpha"])
    np.testing.assert_allclose(found[1], found[0], rtol=0.02)


def test_gradient_reaches_alpha_alone():
    of_weights, (of_inputs,) = gradients(built([0.5, -1.0]), images(4, 4, 5, 6), uneven_sum)
    assert (of_weights["ensemble/alpha"] != 0).all()
    assert (of_inputs == 0).all()


def test_one_branch_has_nothing_to_learn():
    assert built([1.0]).trainable_variables == []
    assert len(built([1.0, 1.0]).trainable_variables) == 1
