import numpy as np
import pytest

from recipes.report.maps import HEAT, RIGHT, VOID, WRONG, color_bar, error_map, heat_map

GREY = np.full((4, 6, 3), (30, 60, 90), "uint8")


def color(value):
    return np.array(HEAT(value)[:3]) * 255


def test_heat_over_grey_by_hand():
    values, picture = np.zeros((4, 6)), GREY.copy()
    picture[3] *= 2  # the darkest is 70 and the brightest 220
    values[0, 0], values[1, 1], values[2, 2] = 0.5, 3.0, np.nan
    found = heat_map(2 * values, picture, high=2.0, opacity=0.75)
    assert found.dtype == np.uint8 and found.shape == GREY.shape
    for place, value in (((0, 0), 0.5), ((1, 1), 1.0), ((3, 3), 0.0)):
        share = 0.75 * (1 + 2 * value) / 3
        grey = 220 if place[0] == 3 else 70
        np.testing.assert_allclose(found[place], share * color(value) + (1 - share) * grey, atol=1)
    np.testing.assert_array_equal(found[2, 2], [70, 70, 70])


def test_a_small_map_is_stretched():
    found = heat_map([[0.0, 1.0]], GREY, high=1.0, opacity=1.0).astype(int).sum(-1)
    assert (np.diff(found[0]) >= 0).all() and found[0, 0] < found[0, 2] < found[0, -1]
    np.testing.assert_array_equal(found[0], found[-1])
    unknown = heat_map([[np.nan, 1.0]], GREY, high=1.0)
    np.testing.assert_array_equal(unknown[:, 0], 70 * np.ones((4, 3)))


@pytest.mark.parametrize(("values", "high"), [(np.zeros((2, 2, 1)), 1.0), (np.zeros((2, 2)), 0.0)])
def test_what_is_no_map(values, high):
    with pytest.raises(ValueError, match=r"must be \(height, width\), and `high` must be positive"):
        heat_map(values, GREY, high)


def test_errors_by_hand():
    found = error_map([[0, 1, 2]], [[0, 2, 255]], void=255)
    np.testing.assert_array_equal(found, [[RIGHT, WRONG, VOID]])


def test_the_bar_goes_from_low_to_high():
    bar = color_bar()
    np.testing.assert_allclose(bar[0, [0, -1]], [color(0.0), color(1.0)], atol=0.6)
