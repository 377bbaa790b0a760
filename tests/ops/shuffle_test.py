import numpy as np
import pytest

from keras_asym.ops import kept_channels, shuffle_channels
from tests.helpers import images


@pytest.mark.parametrize(
    ("channels", "kept"), [(5, 4), (10, 8), (13, 8), (64, 48), (512, 408), (4, 0)]
)
def test_kept_channels(channels, kept):
    assert kept_channels(channels) == kept


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_thirteen_channels(modalities):
    x = images(2, modalities, 3, 4, 13)
    y = np.reshape(shuffle_channels(x.reshape(-1, 3, 4, 13), modalities), x.shape)
    for m in range(modalities):
        np.testing.assert_array_equal(y[:, m, ..., :8], x[:, m, ..., :8])
        np.testing.assert_array_equal(y[:, m, ..., 8:], x[:, (m + 1) % modalities, ..., 8:])


def test_next_is_the_next_one_that_an_example_has():
    pattern = [(0, 2), (1,), (1, 2), (0, 1, 2)]
    presence = np.array([[row in rows for row in range(3)] for rows in pattern])
    x = images(4, 3, 2, 2, 13)
    y = np.reshape(shuffle_channels(x.reshape(-1, 2, 2, 13), 3, presence), x.shape)
    for example, rows in enumerate(pattern):
        for place, row in enumerate(rows):
            other = rows[(place + 1) % len(rows)]
            np.testing.assert_array_equal(y[example, row, ..., :8], x[example, row, ..., :8])
            np.testing.assert_array_equal(y[example, row, ..., 8:], x[example, other, ..., 8:])
