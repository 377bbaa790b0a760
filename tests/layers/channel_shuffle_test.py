import numpy as np
import pytest

from keras_asym.layers import ChannelShuffle, SelectedModalities
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    identity = True

    def make(self, modalities):
        return ChannelShuffle(modalities)


def test_last_channels_come_from_the_next_modality():
    x = images(2, 3, 4, 5, 13)  # k = 4 * (13 // 5) = 8
    y = np.reshape(ChannelShuffle(3)(x.reshape(6, 4, 5, 13)), x.shape)
    np.testing.assert_array_equal(y[..., :8], x[..., :8])
    for m, other in ((0, 1), (1, 2), (2, 0)):
        np.testing.assert_array_equal(y[:, m, ..., 8:], x[:, other, ..., 8:])


def test_shuffled_as_often_as_there_are_modalities_is_the_input():
    x = images(6, 4, 5, 13)
    for modalities in (1, 2, 3):
        y = x
        for _ in range(modalities):
            y = ChannelShuffle(modalities)(y)
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("rows", [(1,), (0, 2)])
def test_selected_modalities_shuffle_with_each_other(rows):
    x = images(6, 4, 5, 13)
    y = SelectedModalities(ChannelShuffle(3), rows)(x)
    np.testing.assert_array_equal(y, ChannelShuffle(len(rows))(x))


def test_modalities_of_an_example_shuffle_with_each_other():
    x = images(6, 4, 5, 13)
    presence = np.array([[True, False, True], [False, True, False]])
    y = np.asarray(ChannelShuffle(3)(x, presence=presence))
    np.testing.assert_array_equal(y[[0, 2]], ChannelShuffle(2)(x[[0, 2]]))
    np.testing.assert_array_equal(y[4], x[4])
