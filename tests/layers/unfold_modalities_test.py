import numpy as np
import pytest

from keras_asym.layers import FoldModalities, SelectedModalities, UnfoldModalities
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    identity = True

    def make(self, modalities):
        return UnfoldModalities(modalities)


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_undoes_folding(modalities):
    x = [images(2, 4, 5, 3, seed=m) for m in range(modalities)]
    y = UnfoldModalities(modalities)(FoldModalities()(x))
    assert isinstance(y, list) and len(y) == modalities
    for before, after in zip(x, y, strict=True):
        np.testing.assert_array_equal(before, after)


def test_gives_as_many_as_are_selected():
    x = images(4, 4, 5, 3)
    y = SelectedModalities(UnfoldModalities(3), (0, 2))(x)
    assert len(y) == 2
    np.testing.assert_array_equal(y[1], x[1::2])
