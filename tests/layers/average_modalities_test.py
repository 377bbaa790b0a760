import numpy as np
import pytest

from keras_asym.layers import AverageModalities
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return AverageModalities(modalities)


@pytest.mark.parametrize(("reduction", "divided"), [("mean", 3), ("sum", 1)])
def test_values(reduction, divided):
    x = images(2, 3, 4, 5, 7)
    y = AverageModalities(3, reduction)(x.reshape(6, 4, 5, 7))
    np.testing.assert_allclose(y, x.sum(axis=1) / divided, atol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_what_is_absent_has_no_part(reduction):
    x = images(2, 3, 4, 5, 7)
    presence = np.array([[True, False, True], [False, False, True]])
    x[~presence] = np.nan
    y = np.asarray(AverageModalities(3, reduction)(x.reshape(6, 4, 5, 7), presence=presence))
    divided = 2 if reduction == "mean" else 1
    np.testing.assert_allclose(y[0], (x[0, 0] + x[0, 2]) / divided, atol=1e-6)
    np.testing.assert_allclose(y[1], x[1, 2], atol=1e-6)


def test_wrong_reduction():
    with pytest.raises(ValueError, match=r'`reduction` must be "mean" or "sum"\. Received: .*max'):
        AverageModalities(2, "max")
