import numpy as np
import pytest

from keras_asym.layers import RepeatChannels
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return RepeatChannels(20)


@pytest.mark.parametrize(("channels", "order"), [(1, [0, 0, 0]), (2, [0, 1, 0]), (3, [0, 1, 2])])
def test_channels_are_repeated_in_order(channels, order):
    x = images(2, 4, 5, channels)
    np.testing.assert_array_equal(RepeatChannels(3)(x), x[..., order])


def test_too_many_channels():
    with pytest.raises(ValueError, match="`channels` must be at least the input's"):
        RepeatChannels(3)(images(2, 4, 5, 4))
