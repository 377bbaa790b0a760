import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityLayer, SelectedModalities
from keras_asym.ops import mean_of_others, merge_axis, split_axis
from tests.helpers import images
from tests.layers.contract import LayerContract


@keras.saving.register_keras_serializable(package="tests")
class Others(ModalityLayer):
    """Adds the mean of the others, weighed by a number for each modality."""

    def build(self, input_shape):
        self.shares = self.add_weight(
            name="shares", shape=(self.modalities,), initializer="ones", autocast=False
        )

    def call(self, inputs, presence=None):
        if self.count == 1:
            return inputs
        # In float32: the gradient of a share is a sum over all positions.
        precision = keras.backend.result_type(inputs.dtype, "float32")
        x = split_axis(keras.ops.cast(inputs, precision), self.count)
        shares = keras.ops.cast(self.pick(self.shares), precision)
        shares = keras.ops.reshape(shares, (self.count, *(1,) * (len(x.shape) - 2)))
        outputs = merge_axis(x + shares * mean_of_others(x, presence))
        return keras.ops.cast(outputs, self.compute_dtype)


@keras.saving.register_keras_serializable(package="tests")
class Block(ModalityLayer):
    """Takes no presence, and holds a layer that does."""

    def __init__(self, modalities, **kwargs):
        super().__init__(modalities, **kwargs)
        self.inner = Others(modalities)

    def call(self, inputs):
        return 2 * self.inner(inputs)


class TestContract(LayerContract):
    identity = True

    def make(self, modalities):
        return Others(modalities)


def test_presence_reaches_a_layer_inside_of_another_one():
    block, x = Block(3), images(6, 4)
    presence = np.array([[True, False, True], [False, True, True]])
    expected = 2 * np.asarray(block.inner(x, presence=presence))
    inputs = keras.Input((4,))
    model = keras.Model(inputs, block(inputs))
    np.testing.assert_array_equal(model(x, presence=presence), expected)
    assert not np.allclose(model(x), expected)


@pytest.mark.parametrize("modalities", [0, -1, 2.0, "rgb", None, True, [2]])
def test_wrong_number_of_modalities(modalities):
    message = r"`modalities` must be an integer of at least 1\. Received: .* for layer 'others'"
    with pytest.raises(ValueError, match=message):
        Others(modalities, name="others")


def test_numpys_integers_are_integers():
    layer = Others(np.int64(2))
    assert type(layer.modalities) is int and layer.get_config()["modalities"] == 2


def test_layers_of_a_model_must_agree():
    layer = SelectedModalities(Others(3), (0, 2))
    layer.layer = Others(2, name="two")
    with pytest.raises(ValueError, match=r"'two' is for 2 modalities, but .* indices \(0, 2\)"):
        layer(images(4, 3))


def test_pick_is_the_weight_itself_where_all_are_there():
    layer = Others(3)
    layer.build((None, 4))
    layer.shares.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(layer.pick(layer.shares), [1, 2, 3])
    assert layer.rows == (0, 1, 2) and layer.count == 3
