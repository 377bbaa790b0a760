import numpy as np

from keras_asym.layers import ConcatenateModalities, SelectedModalities
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return ConcatenateModalities(modalities)


def test_modalities_lie_behind_one_another():
    x = images(2, 3, 4, 5, 7)  # (batch, modalities, height, width, channels)
    y = np.asarray(ConcatenateModalities(3)(x.reshape(6, 4, 5, 7)))
    np.testing.assert_array_equal(y, np.concatenate([x[:, m] for m in range(3)], axis=-1))


def test_what_is_not_selected_is_zero():
    x = images(2, 2, 4, 5, 7)
    y = np.asarray(SelectedModalities(ConcatenateModalities(3), (2, 0))(x.reshape(4, 4, 5, 7)))
    np.testing.assert_array_equal(y[..., :7], x[:, 1])
    assert not y[..., 7:14].any()
    np.testing.assert_array_equal(y[..., 14:], x[:, 0])
