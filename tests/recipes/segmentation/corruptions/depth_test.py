import numpy as np
import pytest

from recipes.segmentation.corruptions import Sensor, corrupt
from tests.recipes.segmentation.corruptions.scenes import SENSORS, frames

SENSOR = SENSORS["depth"]


@pytest.fixture
def images():
    return frames("depth")


def found(images, name, severity=3, index=5, sensor=SENSOR):
    clean = images[index][..., 0].astype(float)
    return clean, corrupt(images, index, sensor, name, severity)[..., 0].astype(float)


@pytest.mark.parametrize("name", ["holes", "range_cut", "dropout_lines"])
def test_what_only_makes_holes_changes_no_distance(images, name):
    clean, faulty = found(images, name)
    assert ((faulty == clean) | (faulty == 0)).all()
    assert (faulty == 0).sum() > (clean == 0).sum()


def test_holes_are_the_stated_share(images):
    full = [np.maximum(image, 1) for image in images]
    shares = [(found(full, "holes", severity)[1] == 0).mean() for severity in (1, 2, 3, 4, 5)]
    assert shares == pytest.approx([0.05, 0.1, 0.2, 0.35, 0.5], abs=1e-3)


def test_steps_grow_with_the_square_of_the_distance(images):
    for severity, step in ((2, 0.02), (4, 0.08)):
        clean, faulty = (image / 1000 for image in found(images, "quantization", severity))
        known = clean > 0
        disparity = 1 / (np.unique(faulty[known]) * step)
        assert len(disparity) >= 4
        np.testing.assert_allclose(disparity, np.rint(disparity), atol=0.03)
        assert (np.abs(faulty - clean)[known] <= 0.6 * step * faulty[known] ** 2).all()


def test_far_things_are_cut(images):
    clean, faulty = found(images, "range_cut", 3)
    np.testing.assert_array_equal(faulty == 0, (clean == 0) | (clean > 0.6 * clean.max()))


def test_detours_are_never_shorter(images):
    clean, faulty = found(images, "multipath", 5)
    known = clean > 0
    ratio = faulty[known] / clean[known]
    assert ratio.min() >= 1 and 1.05 < ratio.max() <= 1.4


def test_flying_pixels_fly_between_near_and_far_beside_edges(images):
    clean, faulty = found(images, "flying_pixels", 1)
    flying = faulty != clean
    assert 5 < flying.sum() < 100
    edge = np.zeros(clean.shape, bool)
    for axis in (0, 1):
        step = np.abs(np.diff(clean, axis=axis)) > 300
        edge |= np.pad(step, [(1, 0) if a == axis else (0, 0) for a in (0, 1)])
        edge |= np.pad(step, [(0, 1) if a == axis else (0, 0) for a in (0, 1)])
    near = np.zeros_like(edge)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            near |= np.roll(edge, (down, right), (0, 1))
    assert near[flying].all()
    assert clean[clean > 0].min() <= faulty[flying].min() < faulty[flying].max() <= clean.max()


def test_misregistration_is_a_shift_in_pixels_whatever_the_frame(images):
    shifts = set()
    for index in (2, 5):
        clean, faulty = found(images, "misregistration", 4, index)
        for down in (-6, 0, 6):
            for right in (-6, 0, 6):
                moved = np.roll(clean, (down, right), (0, 1))[8:-8, 8:-8]
                if (moved == faulty[8:-8, 8:-8]).all():
                    shifts.add((down, right))
    assert len(shifts) == 1 and shifts != {(0, 0)}


def test_the_scale_is_wrong_by_one_factor(images):
    clean, faulty = found(images, "scale_error", 4)
    ratio = faulty[clean > 0] / clean[clean > 0]
    assert abs(ratio.mean() - 1) == pytest.approx(0.18, abs=1e-3) and ratio.std() < 1e-3
    signs = set()
    for name in "abcdefgh":
        sensor = Sensor(name, "depth", 1000.0, 0)
        signs.add(bool(found(images, "scale_error", 4, 0, sensor)[1].sum() > clean.sum()))
    assert signs == {True, False}


def test_whole_lines_drop_out(images):
    clean, faulty = found(images, "dropout_lines", 5)
    rows = (faulty == 0).all(1)
    assert rows.sum() == 24
    np.testing.assert_array_equal(faulty[~rows], clean[~rows])


def test_lag_shows_an_older_frame(images):
    for severity, age in zip((1, 2, 3, 4, 5), (1, 2, 3, 5, 8), strict=True):
        for index in (0, 4, 11):
            shown = corrupt(images, index, SENSOR, "lag", severity)
            np.testing.assert_array_equal(shown, images[max(index - age, 0)])


def test_a_stuck_sensor_shows_the_last_frame_that_came(images):
    def number_of(shown):
        return next(i for i, image in enumerate(images) if (image == shown).all())

    for severity in (1, 3, 5):
        shown = [number_of(corrupt(images, n, SENSOR, "stuck", severity)) for n in range(10)]
        for before, now, index in zip(shown, shown[1:], range(1, 10), strict=False):
            assert now in (before, index)
        came = sum(now == index for index, now in enumerate(shown))
        assert came in (2 * (5 - severity), 2 * (5 - severity) + 1)  # the first always does
