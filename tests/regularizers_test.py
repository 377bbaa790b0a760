import keras
import numpy as np
import pytest

from keras_asym.regularizers import ModalityShareL1, channel_shares


@pytest.mark.parametrize(
    ("modalities", "channels", "starts"),
    [
        (1, 4, [0, 4]),
        (2, 6, [0, 3, 6]),
        (2, 7, [0, 3, 7]),
        (3, 7, [0, 2, 4, 7]),
        (3, 64, [0, 21, 42, 64]),
        (3, 2, [0, 0, 1, 2]),
    ],
)
def test_shares(modalities, channels, starts):
    shares = np.asarray(channel_shares(modalities, channels))
    for m in range(modalities):
        expected = np.zeros(channels, bool)
        expected[starts[m] : starts[m + 1]] = True
        np.testing.assert_array_equal(shares[m], expected)
    assert (shares.sum(0) == 1).all()  # disjoint, and all channels covered


def test_halves_of_two_modalities():
    gamma = np.array([[1, -2, 3, 4], [10, 20, -30, 40]], "float32")
    np.testing.assert_allclose(ModalityShareL1(0.1)(gamma), 0.1 * (1 + 2 + 30 + 40), rtol=1e-6)


@pytest.mark.parametrize(("modalities", "channels"), [(1, 5), (2, 7), (3, 8)])
def test_value(modalities, channels, rng):
    gamma = rng.standard_normal((modalities, channels)).astype("float32")
    edges = [m * channels // modalities for m in range(modalities + 1)]
    shares = [gamma[m, edges[m] : edges[m + 1]] for m in range(modalities)]
    expected = 6e-4 * sum(np.abs(share).sum() for share in shares)
    np.testing.assert_allclose(ModalityShareL1()(gamma), expected, rtol=1e-5)


def test_round_trip():
    regularizer = ModalityShareL1(1e-3)
    text = keras.saving.serialize_keras_object(regularizer)
    again = keras.saving.deserialize_keras_object(text)
    assert isinstance(again, ModalityShareL1) and again.get_config() == {"l1": 1e-3}


@pytest.mark.parametrize("l1", [-1e-4, float("nan")])
def test_wrong_weight(l1):
    with pytest.raises(ValueError, match="`l1` must not be negative"):
        ModalityShareL1(l1)


@pytest.mark.parametrize("shape", [(4,), (3, 3, 2, 2)])
def test_wrong_weight_shape(shape):
    with pytest.raises(ValueError, match=r"gammas of shape \(modalities, channels\)"):
        ModalityShareL1()(np.ones(shape, "float32"))
