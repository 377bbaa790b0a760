import keras
import numpy as np
import pytest

from keras_asym.ops import (
    any_other,
    beside,
    fold,
    from_next,
    mean_of_others,
    merge_axis,
    split_axis,
    unfold,
)
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


def test_from_next_passes_over_those_that_are_absent():
    x = np.arange(4.0).reshape(1, 4).repeat(5, 0)
    presence = np.array(
        [[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 0]], bool
    )
    y = np.asarray(from_next(x, presence))
    expected = [[1, 2, 3, 0], [2, 2, 0, 0], [2, 2, 3, 2], [1, 1, 1, 1], [1, 0, 0, 0]]
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_mean_of_others(modalities):
    x = images(8, modalities, 4)
    sums = x.sum(1, keepdims=True) - x
    np.testing.assert_allclose(mean_of_others(x), sums / (modalities - 1), atol=1e-6)
    presence = np.random.default_rng(0).uniform(size=(8, modalities)) < 0.5
    y = np.asarray(mean_of_others(x, presence))
    for example, row in np.ndindex(8, modalities):
        others = [m for m in range(modalities) if presence[example, m] and m != row]
        expected = x[example, others].mean(0) if others else 0.0
        np.testing.assert_allclose(y[example, row], expected, atol=1e-6)
        assert any_other(presence)[example, row] == bool(others)
    absent_or_not = np.where(presence[..., None], x, np.nan)
    np.testing.assert_array_equal(mean_of_others(absent_or_not, presence), y)


def test_beside_has_the_axes_of_what_it_selects_from():
    presence = np.array([[True, False], [False, False]])
    for shape in ((2, 2), (2, 2, 3), (2, 2, 4, 5, 3)):
        y = beside(presence, images(*shape))
        assert y.shape == (2, 2, *(1,) * (len(shape) - 2))
        np.testing.assert_array_equal(np.reshape(y, (2, 2)), presence)


def test_one_modality_has_no_others():
    x = images(2, 1, 4)
    for presence in (None, np.array([[True], [False]])):
        np.testing.assert_array_equal(mean_of_others(x, presence), np.zeros_like(x))
