import keras
import numpy as np
import pytest

from keras_asym.layers import (
    ChannelShuffle,
    ModalityBatchNormalization,
    ModalityEnsemble,
    ModalityLayer,
    SelectedModalities,
)
from tests.helpers import arrays, gradients, images, randomize, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    training = (False, True)
    all_present = 1e-6

    def make(self, modalities):
        norm = ModalityBatchNormalization(modalities + 1, momentum=0.9)
        return SelectedModalities(norm, range(1, modalities + 1))


class TestContractOfAnEnsemble(LayerContract):
    identity = True
    all_present = 1e-6

    def make(self, modalities):
        return SelectedModalities(ModalityEnsemble(modalities + 2), range(modalities, 0, -1))


class Rows(ModalityLayer):
    """Gives the indices of the modalities that it is called on."""

    def call(self, inputs):
        return keras.ops.zeros_like(inputs) + keras.ops.cast(
            keras.ops.expand_dims(keras.ops.array(self.rows * (len(inputs) // self.count)), 1),
            inputs.dtype,
        )


@pytest.mark.parametrize("rows", [(1,), (0, 2), (2, 0), (3, 1, 0)])
def test_the_layer_is_called_on_these_rows(rows):
    layer = Rows(4)
    y = SelectedModalities(layer, rows)(np.zeros((2 * len(rows), 1), "float32"))
    np.testing.assert_array_equal(np.ravel(y), rows * 2)
    np.testing.assert_array_equal(np.ravel(layer(np.zeros((4, 1)))), range(4))  # not any more


def test_one_inside_of_another_one():
    layer = SelectedModalities(SelectedModalities(Rows(5), (4, 2, 1)), (2, 0))
    np.testing.assert_array_equal(np.ravel(layer(np.zeros((2, 1), "float32"))), [1, 4])


def test_rows_are_given_up_after_an_error():
    class Failing(ModalityLayer):
        def call(self, inputs):
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        SelectedModalities(Failing(3), (1,))(np.zeros((1, 1), "float32"))
    assert Rows(3).rows == (0, 1, 2)


def test_weights_are_those_of_the_layer():
    norm = ModalityBatchNormalization(3)
    norm.build((None, 4, 5, 6))
    randomize(norm)
    layer, x = SelectedModalities(norm, (0, 2)), images(4, 4, 5, 6)
    assert all(a is b for a, b in zip(layer.weights, norm.weights, strict=True))
    assert layer.name == norm.name
    before = arrays(norm.moving_mean)[0]
    layer(x, training=True)
    moved = np.abs(arrays(norm.moving_mean)[0] - before).max(1)
    assert moved[0] > 0 and moved[1] == 0 and moved[2] > 0
    of_weights, _ = gradients(layer, x, uneven_sum)
    for value in of_weights.values():
        assert value[[0, 2]].all() and not value[1].any()


def test_presence_is_of_the_selected():
    layer = SelectedModalities(ChannelShuffle(4), (1, 2, 3))
    presence = np.array([[True, False, True], [False, True, False]])
    x = images(6, 4, 5, 13)
    np.testing.assert_array_equal(
        layer(x, presence=presence), ChannelShuffle(3)(x, presence=presence)
    )


def test_dtype_is_that_of_the_layer():
    norm = ModalityBatchNormalization(3, dtype="mixed_bfloat16")
    assert SelectedModalities(norm, (0, 2)).dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("rows", [(), (1, 1), (0, 3), (-1,)])
def test_wrong_rows(rows):
    with pytest.raises(ValueError, match=r"`rows` must be distinct indices in 0\.\.2. Received: "):
        SelectedModalities(ModalityBatchNormalization(3), rows)
