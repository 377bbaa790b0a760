import numpy as np
import pytest

from recipes.data.empty_frames import shows_nothing
from recipes.data.values import normalize


def spec(image, invalid=None):
    return {"channels": image.shape[-1], "invalid": invalid}


def frames(dtype="uint16", channels=1):
    rng = np.random.default_rng(0)
    return rng.integers(1, 200, (2, 3, 4, channels)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_holes_and_one_value(dtype):
    image = frames(dtype)
    assert not shows_nothing(image, spec(image)).numpy().any()
    image[1] = 0
    np.testing.assert_array_equal(shows_nothing(image, spec(image)), [False, True])
    image[1] = 65 if dtype == "uint8" else 4000
    np.testing.assert_array_equal(shows_nothing(image, spec(image, 0)), [False, True])
    image[1, 0, 0] = 3
    assert not shows_nothing(image, spec(image, 0)).numpy().any()


def test_one_colour_and_holes_of_several_channels():
    image = frames("uint8", 3)
    image[0] = (10, 20, 30)
    np.testing.assert_array_equal(shows_nothing(image, spec(image)), [True, False])
    image[0, 0, 0] = (10, 20, 31)
    assert not shows_nothing(image, spec(image, (10, 20, 30))).numpy().any()


def test_floats_that_are_no_numbers():
    image = frames("float32")
    image[0, :2], image[0, 2:] = np.nan, np.inf
    image[1, 1:] = np.nan
    np.testing.assert_array_equal(shows_nothing(image, spec(image)), [True, False])
    image[1, 0] = -1  # the invalid value
    np.testing.assert_array_equal(shows_nothing(image, spec(image, -1)), [True, True])


def test_a_hole_is_what_the_network_is_told_was_not_measured():
    image = np.tile(np.array([[0, 9], [0, 8]], "uint16"), (3, 4, 1))[None].repeat(2, 0)
    image[1] = (0, 9)
    told = {**spec(image, (0, 9)), "validity": True}
    measured = normalize(image, told)[..., -1].numpy().any((1, 2))
    np.testing.assert_array_equal(measured, [True, False])
    np.testing.assert_array_equal(shows_nothing(image, told), ~measured)
