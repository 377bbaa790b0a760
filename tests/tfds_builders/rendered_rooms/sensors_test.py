import numpy as np

from tfds_builders.rendered_rooms.sensors import depth_sensor, rgb_camera


def test_grazing_and_shiny_surfaces_are_holes():
    z = np.full((120, 160), 2.0, np.float32)
    zeros, shut = np.zeros_like(z), np.zeros(z.shape, bool)
    cosine = np.where(np.arange(160) < 80, 0.05, 0.9) * np.ones_like(z)
    depth = depth_sensor(np.random.default_rng(1), z, cosine, zeros, shut, 120.0)
    assert (depth[:, :80] == 0).all() and (depth[:, 80:] == 0).mean() < 0.1
    shiny = np.where(np.arange(160) < 80, 0.6, 0.0) * np.ones_like(z)
    depth = depth_sensor(np.random.default_rng(1), z, zeros + 1, shiny, shut, 120.0)
    assert (depth[:, :80] == 0).mean() > 0.2 and (depth[:, 80:] == 0).mean() < 0.1


def test_strip_beside_a_near_object_is_a_hole():
    z = np.where(np.arange(160) < 80, 3.0, 1.0) * np.ones((120, 160), np.float32)
    zeros, shut = np.zeros_like(z), np.zeros(z.shape, bool)
    depth = depth_sensor(np.random.default_rng(1), z, zeros + 1, zeros, shut, 120.0)
    # Disparity 0.075 m * 120 px / z: 9 pixels at 1 m, 3 pixels at 3 m.
    np.testing.assert_array_equal((depth == 0).mean(0)[74:86].round(), [0] + [1] * 5 + [0] * 6)


def test_noise_of_the_camera_is_small_against_the_light():
    light = np.full((120, 160, 3), 0.5, np.float32)
    picture = rgb_camera(np.random.default_rng(0), light)
    assert picture.dtype == np.uint8 and picture.shape == light.shape
    middle = picture[50:70, 70:90].astype(float)
    assert 0.5 < middle.std(axis=(0, 1)).mean() < 12
    # Dark corners.
    assert picture[:10, :10].mean() < middle.mean() - 5
