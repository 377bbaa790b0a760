import numpy as np
import pytest

from keras_asym.layers import ResizeLike
from keras_asym.ops import resize_bilinear
from tests.helpers import images
from tests.layers.contract import CHANNELS, LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return ResizeLike(align_corners=modalities != 2)

    def inputs(self, modalities, height=5, width=6):
        batch = 2 * modalities
        return [
            images(batch, height, width, CHANNELS),
            images(batch, 2 * height - 1, 2 * width, 3),
        ]


@pytest.mark.parametrize("align_corners", [False, True])
def test_resizes_to_the_other_size(align_corners):
    x, like = images(2, 6, 9, 5), images(2, 11, 17, 1)
    y = ResizeLike(align_corners)([x, like])
    np.testing.assert_array_equal(y, resize_bilinear(x, (11, 17), align_corners))


def test_same_size_is_the_identity():
    x = images(2, 6, 9, 5)
    for align_corners in (False, True):
        np.testing.assert_allclose(ResizeLike(align_corners)([x, x]), x, atol=1e-6)
