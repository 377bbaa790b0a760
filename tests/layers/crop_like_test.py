import keras
import numpy as np
import pytest

from keras_asym.layers import CropLike
from tests.helpers import images
from tests.layers.contract import CHANNELS, LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return CropLike()

    def inputs(self, modalities, height=5, width=6):
        batch = 2 * modalities
        return [images(batch, height + 1, width, CHANNELS), images(batch, height, width, 3)]


def test_crops_at_the_bottom_and_the_right():
    x = images(2, 6, 9, 5)
    np.testing.assert_array_equal(CropLike()([x, x[:, :5, :7, :1]]), x[:, :5, :7])
    np.testing.assert_array_equal(CropLike()([x, x]), x)


@pytest.mark.parametrize("size", [8, 9])
def test_behind_a_transposed_convolution_it_is_its_own_result_of_that_size(size):
    """A transposed convolution is the transpose of the convolution from that size."""
    kernel = images(4, 4, 2, 3)  # of the convolution from 2 channels to 3
    up = keras.layers.Conv2DTranspose(2, 4, 2, padding="same", use_bias=False)
    up.build((None, None, None, 3))
    up.kernel.assign(kernel)
    down = keras.layers.Conv2D(3, 4, 2, padding="same", use_bias=False)
    down.build((None, None, None, 2))
    down.kernel.assign(kernel)
    large, small = images(1, size, size, 2), images(1, -(-size // 2), -(-size // 2), 3)
    cropped = np.asarray(CropLike()([up(small), large]))
    assert np.vdot(cropped, large) == pytest.approx(
        np.vdot(small, np.asarray(down(large))), rel=1e-4
    )
