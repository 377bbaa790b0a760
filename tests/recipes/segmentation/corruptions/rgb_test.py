import numpy as np
import pytest

from recipes.segmentation.corruptions import SEVERITIES, Sensor, corrupt
from tests.recipes.segmentation.corruptions.scenes import SENSORS, frames

SENSOR = SENSORS["rgb"]


def faulty(name, severity=3, image=None, index=0, sensor=SENSOR):
    image = frames("rgb")[5] if image is None else image
    return corrupt([image] * (index + 1), index, sensor, name, severity).astype(float)


def plain(*colour, shape=(48, 64)):
    return np.full((*shape, 3), colour, "uint8")


def test_noise_has_no_mean_and_grows():
    spread = [faulty("noise", s, plain(128, 128, 128)).std() / 255 for s in SEVERITIES]
    assert spread == pytest.approx([0.034, 0.068, 0.11, 0.165, 0.23], rel=0.1)
    assert faulty("noise", 2, plain(128, 128, 128)).mean() == pytest.approx(128, abs=1)


def test_blur_keeps_the_mean_and_smooths():
    image = np.zeros((48, 64, 3), "uint8")
    image[:, 32:] = 200
    found = faulty("blur", 4, image)[24, :, 0]
    assert (np.diff(found) >= 0).all() and found[0] == 0 and found[-1] == 200
    assert ((found > 0) & (found < 200)).sum() == pytest.approx(4 * 0.025 * 64, abs=2)


def test_exposure_goes_both_ways():
    image = plain(100, 100, 100)
    means = {round(faulty("exposure", 3, image, index).mean()) for index in range(8)}
    assert means == {50, 200}


def test_fog_takes_contrast_away():
    image = frames("rgb")[5]
    spread = [faulty("fog", s, image)[12:36].std() for s in SEVERITIES]
    assert (np.diff(spread) < 0).all() and spread[-1] < 0.5 * image[12:36].std()
    assert faulty("fog", 5, plain(0, 0, 0)).mean() > 100


def test_rain_falls_in_streaks():
    image = plain(60, 60, 60, shape=(120, 160))
    found = faulty("rain", 5, image)[..., 0]
    bright = found > found.min() + 20
    assert 0.01 < bright.mean() < 0.3
    down = (bright[1:] & bright[:-1]).sum()
    across = (bright[:, 1:] & bright[:, :-1]).sum()
    assert down > 2 * across


def test_dirt_hides_the_stated_share_at_one_place():
    shares = [
        (faulty("occlusion", s, plain(200, 200, 200)) < 100).all(-1).mean() for s in SEVERITIES
    ]
    assert shares == pytest.approx([0.05, 0.1, 0.2, 0.35, 0.5], abs=2e-3)
    smaller, larger = (faulty("occlusion", s)[..., 0] == 41 for s in (2, 3))
    assert larger[smaller].mean() > 0.99


def test_colours_are_lost_and_lightness_stays():
    found = faulty("saturation", 5, plain(200, 40, 90))
    assert np.ptp(found) <= 1
    assert found.mean() == pytest.approx(0.299 * 200 + 0.587 * 40 + 0.114 * 90, abs=1)


def test_a_cast_is_warm_or_cold():
    image = plain(100, 100, 100)
    found = [faulty("colour_cast", 4, image, index)[0, 0] for index in range(8)]
    for red, green, blue in found:
        assert green == 100 and (red - 100) * (blue - 100) < 0
    assert {red > 100 for red, _, _ in found} == {True, False}


def test_compression_has_blocks():
    found = faulty("compression", 5)
    steps = np.abs(np.diff(found, axis=1)).mean((0, 2))
    at_blocks = np.arange(len(steps)) % 8 == 7
    assert steps[at_blocks].mean() > 1.5 * steps[~at_blocks].mean()


def test_dead_rows_are_black_in_all_frames():
    first, second = (faulty("dead_rows", 4, index=index) for index in (0, 1))
    dead = (first == 0).all((1, 2))
    assert dead.sum() == round(0.35 * 48)
    np.testing.assert_array_equal(dead, (second == 0).all((1, 2)))


def test_twelve_bits_have_their_own_white():
    image = np.full((48, 64, 3), 2000, "uint16")
    found = faulty("exposure", 5, image, sensor=Sensor("rgb12", "rgb", 4095.0))
    assert set(np.unique(found)) <= {4095, 577}
