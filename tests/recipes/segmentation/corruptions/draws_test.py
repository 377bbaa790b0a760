import itertools

import numpy as np
import pytest

from recipes.segmentation.corruptions.draws import Draws, lowest


def test_numbers_are_those_of_pcg64():
    """The first bits of NumPy's PCG64 under its SeedSequence, which NumPy promises to keep."""
    raw = np.random.PCG64(np.random.SeedSequence([3, 2, *b"ab"])).random_raw(2)
    np.testing.assert_array_equal(Draws(3, "ab").uniform(2), (raw >> np.uint64(11)) / 2**53)
    assert Draws(0, "x").uniform() == 0.7699176270989256


def test_keys_do_not_run_into_one_another():
    keys = [("ab", "c"), ("a", "bc"), ("abc",), (1, "ab"), ("ab", 1)]
    numbers = {Draws(*key).uniform() for key in keys}
    numbers |= {Draws("ab", frame=1).uniform(), Draws("ab", frame=0).uniform()}
    assert len(numbers) == len(keys) + 2


def test_what_is_the_sensors_is_the_same_in_all_frames():
    first, second = (Draws(5, "rgb", frame=frame) for frame in (0, 1))
    assert first.uniform() != second.uniform()
    assert first.of_sensor.uniform() == second.of_sensor.uniform() == Draws(5, "rgb").uniform()


def test_distributions():
    draws = Draws("numbers")
    uniform, normal = draws.uniform(200, 300), draws.normal(200, 300)
    assert 0 <= uniform.min() < uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=5e-3)
    assert normal.mean() == pytest.approx(0, abs=0.02)
    assert normal.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(normal) < 1).mean() == pytest.approx(0.6827, abs=0.02)
    assert np.abs(normal).max() < 3.5
    assert {draws.below(3) for _ in range(50)} == {0, 1, 2}


def test_patches_are_smooth_and_fill_any_size():
    for height, width, size in ((48, 64, 4), (30, 7, 2.5), (5, 5, 40), (1, 1, 1)):
        field = Draws("patches").patches(height, width, size)
        assert field.shape == (height, width)
        assert field.min() >= 0 and field.max() < 1
        step = max(np.abs(np.diff(field, axis=a)).max(initial=0) for a in (0, 1))
        assert step <= 1.5 / size + 1e-9


def test_lowest_is_a_share_and_grows():
    field = Draws("field").uniform(40, 50)
    masks = [lowest(field, share) for share in (0, 0.05, 0.5, 1)]
    assert [mask.mean() for mask in masks] == pytest.approx([0, 0.05, 0.5, 1])
    for small, large in itertools.pairwise(masks):
        assert (large | ~small).all()
