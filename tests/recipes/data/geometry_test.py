import numpy as np
import pytest
import tensorflow as tf

from recipes.data import geometry
from recipes.data.geometry import Geometry, negate_mirrored, pad_to, random_geometry, transform

INTERPOLATIONS = pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])


def image(height, width, channels=1, dtype="uint8", seed=0):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, (height, width, channels), dtype, True)


def pair(*values):
    return np.array(values, "int32")


def apply(array, offset, window, mirrored, size, interpolation, antialias=False):
    place = Geometry(pair(*offset), pair(*window), mirrored, size and pair(*size))
    array = tf.constant(array)
    return np.array(transform(array, place, interpolation, antialias))


def resize(array, size, interpolation, antialias=False):
    return apply(array, (0, 0), array.shape[:2], False, size, interpolation, antialias)


def test_nearest_by_hand():
    stored = np.array([[1, 2, 0], [3, 4, 0]], "uint8")[..., None]
    doubled = apply(stored, (0, 0), (2, 2), False, (4, 4), "nearest")
    assert doubled.dtype == "uint8"
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(doubled[..., 0], expected)
    mirrored = apply(stored, (1, 0), (1, 3), True, (1, 6), "nearest")
    np.testing.assert_array_equal(mirrored[..., 0], [[0, 0, 4, 4, 3, 3]])


@INTERPOLATIONS
@pytest.mark.parametrize("size", [(23, 37), (6, 40), (9, 9), (12, 17)])
def test_resizing_is_tensorflows(size, interpolation):
    stored = image(12, 17, 3)
    expected = np.clip(tf.image.resize(stored, size, interpolation), 0, 255)
    result = resize(stored, size, interpolation)
    tolerance = {"nearest": 0, "bilinear": 1e-3, "bicubic": 1e-3}[interpolation]
    np.testing.assert_allclose(result, expected, atol=tolerance)


@INTERPOLATIONS
@pytest.mark.parametrize("antialias", [False, True])
def test_the_window_is_cut_out_mirrored_and_resized(interpolation, antialias):
    stored = image(12, 17, 3)
    for size in ((23, 37), (4, 5), None):
        result = apply(stored, (2, 3), (7, 9), True, size, interpolation, antialias)
        part = np.ascontiguousarray(stored[2:9, 3:12][:, ::-1])
        expected = resize(part, size, interpolation, antialias) if size else part
        np.testing.assert_allclose(result, expected, atol=1e-3)


def test_antialiasing_is_tensorflows():
    stored = image(24, 40, 3)
    expected = tf.image.resize(stored, (7, 11), "bilinear", antialias=True)
    result = resize(stored, (7, 11), "bilinear", True)
    np.testing.assert_allclose(result, expected, atol=1e-3)


def test_nearest_makes_no_new_value_and_keeps_the_dtype():
    depth = np.array([[0, 9000], [5000, 0]], "uint16")[..., None]
    resized = resize(depth, (7, 5), "nearest")
    assert resized.dtype == "uint16"
    assert set(resized.ravel()) == {0, 5000, 9000}


def test_bicubic_overshoot_stays_in_the_range_of_the_dtype():
    edge = np.zeros((1, 8, 1), "uint8")
    edge[:, 4:] = 255
    resized = resize(edge, (1, 32), "bicubic")
    assert (resized.min(), resized.max()) == (0, 255)
    free = resize(edge.astype("float32"), (1, 32), "bicubic")
    assert free.max() > 255


def test_random_crops_reach_every_position():
    corners = set()
    for uniform in np.linspace(0, 1, 50, endpoint=False, dtype="float32"):
        uniforms = np.array([uniform, 1 - 2**-24, 0.7], "float32")
        place = random_geometry(pair(4, 4), None, (1, 2), 0.7, uniforms)
        corners.add((int(place.offset[0]), int(place.offset[1])))
        assert not bool(place.mirrored)  # 0.7 is not below 0.7
    assert corners == {(0, 2), (1, 2), (2, 2), (3, 2)}


def test_a_smaller_image_stays_smaller():
    place = random_geometry(pair(6, 20), None, (8, 10), 1.0, np.zeros(3, "float32"))
    assert np.array(place.window).tolist() == [6, 10]
    assert place.size is None and bool(place.mirrored)


@pytest.mark.parametrize(
    ("scaled", "window", "size"),
    [
        ((10, 15), (20, 30), (10, 15)),  # half as large: all of it is in the crop
        ((20, 30), (16, 16), (16, 16)),
        ((40, 60), (8, 8), (16, 16)),  # twice as large: a crop of 16 shows 8 stored pixels
        ((14, 21), (20, 23), (14, 16)),  # of 22.86
    ],
)
def test_the_window_shows_what_the_crop_would(scaled, window, size):
    uniforms = np.array([0.999, 0, 1], "float32")
    place = random_geometry(pair(20, 30), pair(*scaled), (16, 16), 0.5, uniforms)
    assert np.array(place.window).tolist() == list(window)
    assert np.array(place.size).tolist() == list(size)
    assert np.array(place.offset).tolist() == [20 - window[0], 0]


def test_negated_channels_of_a_mirror_image():
    normal = np.array([[[0.5, 0.25, -1], [1, 0, 0]]], "float32")
    place = Geometry(pair(0, 0), pair(1, 2), tf.constant(True), None)
    result = np.array(negate_mirrored(normal, (0,), place))
    np.testing.assert_array_equal(result, normal * [-1, 1, 1])
    straight = place._replace(mirrored=tf.constant(False))
    np.testing.assert_array_equal(negate_mirrored(normal, (0,), straight), normal)
    np.testing.assert_array_equal(negate_mirrored(normal, (), place), normal)


def test_pad_by_hand():
    stored = tf.constant(np.array([[[7]]], "uint8"))
    padded = np.array(pad_to(stored, (2, 4), 255))
    assert padded.dtype == "uint8"
    np.testing.assert_array_equal(padded[..., 0], [[255, 7, 255, 255], [255, 255, 255, 255]])
    corner = np.array(pad_to(stored, (1, 3), 0, centred=False))
    np.testing.assert_array_equal(corner[..., 0], [[7, 0, 0]])


def test_whole_images():
    place = geometry.whole_image(pair(6, 8), None)
    stored = image(6, 8)
    np.testing.assert_array_equal(transform(stored, place, "bicubic"), stored)
    place = geometry.whole_image(pair(6, 8), pair(3, 5))
    assert transform(stored, place, "bilinear").shape == (3, 5, 1)
