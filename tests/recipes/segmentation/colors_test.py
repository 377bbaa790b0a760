import numpy as np
import pytest

from recipes.segmentation import colors


def test_palette_is_the_same_for_any_number_of_classes():
    np.testing.assert_array_equal(colors.palette(40)[:9], colors.palette(9))
    assert colors.palette(40).dtype == np.uint8


def test_palette_colors_differ():
    palette = colors.palette(40).astype(int)
    with_void_and_page = np.concatenate([palette, [[0, 0, 0], [255, 255, 255]]])
    distance = np.abs(with_void_and_page[:, None] - with_void_and_page[None]).max(-1)
    assert distance[~np.eye(42, dtype=bool)].min() >= 20


def test_palette_for_every_label_a_mask_can_hold():
    assert len(np.unique(colors.palette(255), axis=0)) == 255
    with pytest.raises(ValueError, match="`num_classes` must be at most"):
        colors.palette(2000)


def test_colorize_by_hand():
    palette = colors.palette(3)
    picture = colors.colorize([[0, 2], [255, 1]], 3)
    np.testing.assert_array_equal(picture, [[palette[0], palette[2]], [(0, 0, 0), palette[1]]])


@pytest.mark.parametrize("label", [3, -1, 254, 256])
def test_colorize_unknown_class(label):
    with pytest.raises(ValueError, match=rf"must hold 0..2 or 255.*\[{label}\]"):
        colors.colorize(np.array([[0, label]]), 3)


def test_overlay_by_hand():
    rgb = np.full((1, 2, 3), 100, "uint8")
    picture = colors.overlay(rgb, np.array([[1, 255]]), 2, alpha=0.25)
    expected = np.rint(0.25 * colors.palette(2)[1].astype("float32") + 75)
    np.testing.assert_array_equal(picture[0, 0], expected)
    np.testing.assert_array_equal(picture[0, 1], [100, 100, 100])
    with pytest.raises(ValueError, match=r"`alpha` must be in 0..1"):
        colors.overlay(rgb, np.array([[1, 255]]), 2, alpha=50)


def test_depth_goes_from_dark_to_light_with_white_holes():
    depth = np.array([[0, 1000], [2000, 3000]], "uint16")[..., None]
    picture = colors.colorize_depth(depth).astype(int)
    assert tuple(picture[0, 0]) == colors.HOLE_COLOR
    near, middle, far = picture[0, 1].sum(), picture[1, 0].sum(), picture[1, 1].sum()
    assert near < middle < far


def test_depth_limits_and_other_holes():
    depth = np.array([[np.nan, np.inf, -1.0, 0.0, 5.0, 9.0]])
    picture = colors.colorize_depth(depth, invalid=-1.0, limits=(0.0, 5.0))
    assert (picture[0, :3] == 255).all() and not (picture[0, 3:] == 255).all(-1).any()
    np.testing.assert_array_equal(picture[0, 4], picture[0, 5])


def test_depth_of_holes_only_or_of_one_value():
    assert (colors.colorize_depth(np.zeros((2, 2))) == 255).all()
    assert len(np.unique(colors.colorize_depth(np.ones((2, 2))).reshape(-1, 3), axis=0)) == 1


def test_displayable():
    rgb = np.random.default_rng(0).integers(0, 256, (2, 3, 3)).astype("uint8")
    assert colors.displayable(rgb, {"channels": 3}) is rgb
    depth = np.array([[[0], [65535], [7]]], "uint16")
    holes = (colors.displayable(depth, {"channels": 1, "invalid": 65535}) == 255).all(-1)
    np.testing.assert_array_equal(holes, [[False, True, False]])
    two = np.array([[[-1.0, 3.0], [1.0, 3.0]]])
    picture = colors.displayable(two, {"channels": 2})
    np.testing.assert_array_equal(picture, [[[0, 0, 0], [255, 0, 0]]])


def test_legend_has_the_colours_of_the_maps():
    legend = colors.class_legend(["wall", "floor"])
    assert list(legend) == ["wall", "floor", "void"]
    assert legend["floor"] == tuple(colors.palette(2)[1]) and legend["void"] == (0, 0, 0)
