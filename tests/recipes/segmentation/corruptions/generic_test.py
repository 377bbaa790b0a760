import numpy as np
import pytest

from recipes.segmentation.corruptions import SEVERITIES, Sensor, corrupt
from recipes.segmentation.corruptions.generic import moved
from tests.recipes.segmentation.corruptions.scenes import frames


def test_noise_is_in_standard_deviations_of_each_channel():
    image = np.zeros((64, 64, 2), "float32")
    sensor = Sensor("two", "generic", (1.0, 10.0))
    for severity, size in zip(SEVERITIES, (0.2, 0.4, 0.8, 1.2, 2.0), strict=True):
        found = corrupt([image], 0, sensor, "noise", severity)
        np.testing.assert_allclose(found.std((0, 1)), (size, 10 * size), rtol=0.05)


def test_dropout_is_the_stated_share_and_of_holes():
    image = np.full((48, 64, 1), -12.5, "float32")
    for invalid, marker in ((-9999, -9999), (None, 0)):
        sensor = Sensor("sar", "generic", 3.0, invalid)
        shares = [(corrupt([image], 0, sensor, "dropout", s) == marker).mean() for s in SEVERITIES]
        assert shares == pytest.approx([0.05, 0.1, 0.2, 0.35, 0.5], abs=1e-3)


def test_a_shift_is_one_of_eight_directions_and_leaves_holes():
    values = np.arange(12.0).reshape(3, 4, 1)
    found, hole = moved(values, np.zeros((3, 4), bool), 1, -2)
    np.testing.assert_array_equal(found[1:, :2, 0], values[:-1, 2:, 0])
    expected = np.ones((3, 4), bool)
    expected[1:, :2] = False
    np.testing.assert_array_equal(hole, expected)


def test_a_shift_larger_than_the_image_leaves_nothing():
    image = np.ones((5, 5, 1), "uint8")
    assert (corrupt([image], 0, Sensor("t", "generic", 1.0, 0), "shift", 5) == 0).all()


def test_a_frozen_sensor_shows_one_frame():
    images = frames("generic")
    found = [corrupt(images, n, Sensor("t"), "freeze", 5) for n in range(4)]
    assert all((image == images[0]).all() for image in found)
    found[0][:] = 0  # a copy
    assert (images[0] != 0).any()
