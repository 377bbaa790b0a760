import keras
import numpy as np
import pytest

from keras_asym.ops import fold, from_next, merge_axis, split_axis, unfold
from tests.helpers import images


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (2, 7), (2,)])
def test_unfold_undoes_fold(modalities, shape):
    x = [images(*shape, seed=m) for m in range(modalities)]
    folded = fold(x)
    assert folded.shape == (2 * modalities, *shape[1:])
    for before, after in zip(x, unfold(folded, modalities), strict=True):
        np.testing.assert_array_equal(before, after)


def test_example_major_order():
    np.testing.assert_array_equal(fold([np.array([0, 1, 2]), np.array([10, 11, 12])]),
                                  [0, 10, 1, 11, 2, 12])  # fmt: skip


def test_split_and_merge_are_views_of_one_order():
    x = images(6, 4, 5, 3)
    np.testing.assert_array_equal(split_axis(x, 3), x.reshape(2, 3, 4, 5, 3))
    np.testing.assert_array_equal(merge_axis(split_axis(x, 3)), x)


def test_unknown_sizes():
    x = keras.Input((None, None, 3))
    y = keras.ops.shape(split_axis(x, 2))
    assert y[1:] == (2, None, None, 3)


def test_from_next_is_cyclic():
    x = images(2, 3, 4)
    np.testing.assert_array_equal(from_next(x), x[:, [1, 2, 0]])
    np.testing.assert_array_equal(from_next(x[:, :1]), x[:, :1])
