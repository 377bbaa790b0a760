import numpy as np
import pytest

from keras_asym.ops import exchange_channels
from tests.helpers import images


def by_hand(x, keep):
    """CEN, Eq. 6, on (batch, modalities, ..., channels)."""
    y = x.copy()
    for m, c in zip(*np.nonzero(~keep), strict=True):
        others = [k for k in range(len(keep)) if k != m]
        y[:, m, ..., c] = x[:, others][..., c].mean(1)
    return y


@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_given_up_channels_are_the_mean_of_the_others(modalities, rng):
    keep = rng.uniform(size=(modalities, 9)) < 0.5
    x = images(2, modalities, 3, 4, 9)
    y = exchange_channels(x.reshape(-1, 3, 4, 9), keep)
    np.testing.assert_allclose(np.reshape(y, x.shape), by_hand(x, keep), atol=1e-6)


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_nothing_given_up(modalities):
    x = images(2 * modalities, 3, 4, 5)
    np.testing.assert_array_equal(exchange_channels(x, np.full((modalities, 5), True)), x)


def test_everything_given_up():
    x = images(6, 3, 4, 5)
    swapped = x.reshape(3, 2, 3, 4, 5)[:, ::-1].reshape(x.shape)
    np.testing.assert_array_equal(exchange_channels(x, np.full((2, 5), False)), swapped)
    x = x.reshape(2, 3, 3, 4, 5)
    y = exchange_channels(x.reshape(6, 3, 4, 5), np.full((3, 5), False))
    expected = (x.sum(1, keepdims=True) - x) / 2
    np.testing.assert_allclose(np.reshape(y, x.shape), expected, atol=1e-6)


def test_one_modality_has_nobody_to_ask():
    x = images(2, 3, 4, 5)
    np.testing.assert_array_equal(exchange_channels(x, np.full((1, 5), False)), x)


def test_without_height_and_width():
    x = images(4, 5)
    y = exchange_channels(x, np.full((2, 5), False))
    np.testing.assert_array_equal(y, x[[1, 0, 3, 2]])


def test_the_others_are_those_that_an_example_has(rng):
    keep = rng.uniform(size=(4, 9)) < 0.5
    keep[1] = False
    pattern = [(0, 2), (1,), (0, 1, 3), (0, 1, 2, 3), (2, 3)]
    presence = np.array([[row in rows for row in range(4)] for rows in pattern])
    x = images(5, 4, 3, 4, 9)
    y = np.reshape(exchange_channels(x.reshape(-1, 3, 4, 9), keep, presence), x.shape)
    for example, rows in enumerate(pattern):
        own = x[example : example + 1, list(rows)]
        expected = own if len(rows) == 1 else by_hand(own, keep[list(rows)])
        np.testing.assert_allclose(y[example : example + 1, list(rows)], expected, atol=1e-6)


@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_a_large_modality_takes_no_digits_of_the_others(modalities):
    """The mean of the others is no difference from the sum of all."""
    x = images(2, modalities, 3, 4, 5)
    x[:, 0] = 1e4 + x[:, 0]
    x[:, -1] *= 1e-3
    for presence in (None, np.ones((2, modalities), bool)):
        y = exchange_channels(x.reshape(-1, 3, 4, 5), np.full((modalities, 5), False), presence)
        others = x[:, 1:].astype("float64").mean(1)
        np.testing.assert_allclose(np.reshape(y, x.shape)[:, 0], others, rtol=3e-7, atol=1e-7)
