import keras
import numpy as np
import pytest

from keras_asym.layers import PixelShuffle
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return PixelShuffle()

    def inputs(self, modalities, height=5, width=6):
        return images(4 * modalities, height, width, 8)


def test_each_channel_becomes_a_pixel():
    x = images(2, 3, 4, 8)
    y = np.array(PixelShuffle()(x))
    assert y.shape == (2, 6, 8, 2)
    for row, column, channel in [(0, 0, 0), (5, 2, 1), (2, 7, 0), (3, 3, 1)]:
        part = 4 * channel + 2 * (row % 2) + column % 2
        np.testing.assert_array_equal(y[:, row, column, channel], x[:, row // 2, column // 2, part])


def test_any_size():
    inputs = keras.Input((None, None, 12))
    assert PixelShuffle()(inputs).shape == (None, None, None, 3)


def test_channels_that_cannot_be_divided():
    with pytest.raises(ValueError, match="multiple of 4 channels"):
        PixelShuffle()(images(1, 2, 2, 6))
