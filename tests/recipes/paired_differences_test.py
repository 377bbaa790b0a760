import numpy as np
import pytest

from recipes.paired_differences import over_images, over_seeds


def test_over_seeds():
    # By hand: 1, 3, 2 over the seeds 0, 1, 2; standard error 1 / sqrt(3).
    mine, theirs = {0: 2.0, 1: 4.0, 2: 5.0, 7: 1.0}, {0: 1.0, 1: 1.0, 2: 3.0, 9: 8.0}
    assert over_seeds(mine, theirs) == (2.0, pytest.approx(1 / np.sqrt(3)), 3)
    assert over_seeds({0: 2.0}, theirs) == (1.0, None, 1)
    assert over_seeds({5: 2.0}, theirs) == (None, None, 0)


def mean(sums):
    return sums[..., 0] / sums[..., 1]


def parts(values):
    return np.stack([values, np.ones_like(values)], axis=-1)


def test_over_images_is_the_standard_error_of_a_mean(rng):
    mine, theirs = rng.normal(size=(2, 400))
    error = over_images({0: parts(mine)}, {0: parts(theirs)}, mean)
    assert error == pytest.approx(np.std(mine - theirs, ddof=1) / 20, rel=0.1)


def test_the_same_images_are_drawn_for_both(rng):
    mine = parts(rng.normal(size=50))
    better = mine + np.array([3.0, 0.0])
    assert over_images({0: mine}, {0: better}, mean) == pytest.approx(0, abs=1e-12)


def test_seeds_are_averaged(rng):
    one, two = parts(rng.normal(size=(50))), parts(np.zeros(50))
    once = over_images({0: one}, {0: two}, mean)
    assert over_images({0: one, 1: two}, {0: two, 1: two}, mean) == pytest.approx(once / 2)


def test_images_that_are_not_the_same():
    assert over_images({0: parts(np.ones(3))}, {0: parts(np.ones(4))}, mean) is None
    assert over_images({0: parts(np.ones(3))}, {1: parts(np.ones(3))}, mean) is None
