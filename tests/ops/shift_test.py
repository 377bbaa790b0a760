import numpy as np
import pytest

from keras_asym.ops import shift_pixels
from tests.helpers import images


def by_hand(x, reverse):
    """Pixel by pixel: above, left, right, below; zero outside and in the channels left over."""
    y = np.zeros_like(x)
    group, (height, width) = x.shape[-1] // 5, x.shape[1:3]
    for index, (down, right) in enumerate([(-1, 0), (0, -1), (0, 1), (1, 0)]):
        if reverse:
            down, right = -down, -right
        channels = slice(index * group, (index + 1) * group)
        for i in range(height):
            for j in range(width):
                if 0 <= i + down < height and 0 <= j + right < width:
                    y[:, i, j, channels] = x[:, i + down, j + right, channels]
    return y


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [(2, 4, 5, 13), (1, 1, 1, 5), (2, 3, 1, 10), (2, 3, 4, 4)])
def test_values(shape, reverse):
    x = images(*shape)
    np.testing.assert_array_equal(shift_pixels(x, reverse), by_hand(x, reverse))


def test_one_bright_pixel():
    x = np.zeros((1, 3, 3, 5), "float32")
    x[0, 1, 1] = 7
    y = np.asarray(shift_pixels(x))
    found = {tuple(int(i) for i in place) for place in np.argwhere(y[0] == 7)}
    # reading the pixel above moves the picture down, and so on
    assert found == {(2, 1, 0), (1, 2, 1), (1, 0, 2), (0, 1, 3)}
    assert y.sum() == 28


def test_reverse_undoes_it_inside():
    x = images(2, 6, 7, 10)
    y = np.asarray(shift_pixels(shift_pixels(x), reverse=True))
    np.testing.assert_array_equal(y[:, 1:-1, 1:-1, :8], x[:, 1:-1, 1:-1, :8])
