import numpy as np
import pytest

from keras_asym.layers import ModalityAlignment
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    training = (False, True)
    identity = True

    def make(self, modalities):
        return ModalityAlignment(modalities)


def loss(x, presence=None, weight=1.0):
    layer = ModalityAlignment(x.shape[1], weight)
    y = layer(x.reshape(-1, *x.shape[2:]), training=True, presence=presence)
    np.testing.assert_array_equal(np.asarray(y).reshape(x.shape), x)
    return float(np.asarray(layer.losses[0]))


def discrepancy(a, b):
    """Gretton et al. 2012, Eq. 5, written with loops; a sum of Gaussian kernels."""
    both = [*a, *b]
    scale = np.mean([np.sum((p - q) ** 2) for p in both for q in both])
    widths = (0.25, 0.5, 1.0, 2.0, 4.0)

    def kernel(p, q):
        return np.mean([np.exp(-np.sum((p - q) ** 2) / (w * scale)) for w in widths])

    def mean(first, second):
        return np.mean([kernel(p, q) for p in first for q in second])

    return mean(a, a) + mean(b, b) - 2 * mean(a, b)


@pytest.mark.parametrize("modalities", [2, 3])
def test_the_loss_by_the_formula(modalities):
    x = images(5, modalities, 4, 3, 6)
    x += np.arange(modalities, dtype="float32")[:, None, None, None]
    pooled = x.mean(axis=(2, 3)).astype("float64")
    pairs = [(i, j) for i in range(modalities) for j in range(i)]
    expected = sum(discrepancy(pooled[:, i], pooled[:, j]) for i, j in pairs)
    assert loss(x, weight=0.5) == pytest.approx(0.5 * expected, rel=1e-4)


def test_equal_features_have_no_loss():
    x = np.repeat(images(3, 1, 4, 3, 6), 2, axis=1)
    assert loss(x) == pytest.approx(0, abs=1e-6)


def test_what_is_absent_has_no_part():
    x = images(4, 2, 4, 3, 6)
    presence = np.array([[True, True], [True, False], [True, True], [False, True]])
    pooled = x.mean(axis=(2, 3)).astype("float64")
    expected = discrepancy(pooled[presence[:, 0], 0], pooled[presence[:, 1], 1])
    assert loss(np.where(presence[..., None, None, None], x, 9.0), presence) == pytest.approx(
        expected, rel=1e-4
    )
    assert loss(x, np.array([[True, False]] * 4)) == 0


def test_no_loss_outside_of_training():
    layer = ModalityAlignment(2)
    layer(images(4, 4, 3, 6))
    assert not layer.losses


def test_wrong_weight():
    with pytest.raises(ValueError, match=r"`weight` must not be negative\. Received: weight=-1"):
        ModalityAlignment(2, -1)
