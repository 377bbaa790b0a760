import numpy as np
import pytest
import tensorflow as tf

from recipes.data import geometry, numpy_ops, tensorflow_ops
from recipes.data.geometry import Geometry, negate_mirrored, pad_to, random_geometry, transform

BOTH = pytest.mark.parametrize("ops", [numpy_ops, tensorflow_ops], ids=["numpy", "tensorflow"])
INTERPOLATIONS = pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])


def image(height, width, channels=1, dtype="uint8", seed=0):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, (height, width, channels), dtype, True)


def pair(*values):
    return np.array(values, "int32")


def apply(array, offset, window, mirrored, size, interpolation, ops, antialias=False):
    place = Geometry(pair(*offset), pair(*window), mirrored, size and pair(*size))
    array = ops.asarray(array)
    return np.array(transform(array, place, interpolation, ops, antialias))


def resize(array, size, interpolation, ops, antialias=False):
    return apply(array, (0, 0), array.shape[:2], False, size, interpolation, ops, antialias)


@BOTH
def test_nearest_by_hand(ops):
    stored = np.array([[1, 2, 0], [3, 4, 0]], "uint8")[..., None]
    doubled = apply(stored, (0, 0), (2, 2), False, (4, 4), "nearest", ops)
    assert doubled.dtype == "uint8"
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(doubled[..., 0], expected)
    mirrored = apply(stored, (1, 0), (1, 3), True, (1, 6), "nearest", ops)
    np.testing.assert_array_equal(mirrored[..., 0], [[0, 0, 4, 4, 3, 3]])


@INTERPOLATIONS
@BOTH
@pytest.mark.parametrize("size", [(23, 37), (6, 40), (9, 9), (12, 17)])
def test_resizing_is_tensorflows(ops, size, interpolation):
    stored = image(12, 17, 3)
    expected = np.clip(tf.image.resize(stored, size, interpolation), 0, 255)
    result = resize(stored, size, interpolation, ops)
    # TensorFlow looks bicubic weights up in a table of 1024 entries.
    tolerance = {"nearest": 0, "bilinear": 1e-3, "bicubic": 0.5}[interpolation]
    np.testing.assert_allclose(result, expected, atol=tolerance)


@INTERPOLATIONS
@BOTH
@pytest.mark.parametrize("antialias", [False, True])
def test_the_window_is_cut_out_mirrored_and_resized(ops, interpolation, antialias):
    stored = image(12, 17, 3)
    for size in ((23, 37), (4, 5), None):
        result = apply(stored, (2, 3), (7, 9), True, size, interpolation, ops, antialias)
        part = np.ascontiguousarray(stored[2:9, 3:12][:, ::-1])
        expected = resize(part, size, interpolation, ops, antialias) if size else part
        np.testing.assert_allclose(result, expected, atol=1e-3)


@BOTH
def test_antialiasing_is_tensorflows(ops):
    stored = image(24, 40, 3)
    expected = tf.image.resize(stored, (7, 11), "bilinear", antialias=True)
    result = resize(stored, (7, 11), "bilinear", ops, True)
    np.testing.assert_allclose(result, expected, atol=1e-3)


@BOTH
def test_nearest_makes_no_new_value_and_keeps_the_dtype(ops):
    depth = np.array([[0, 9000], [5000, 0]], "uint16")[..., None]
    resized = resize(depth, (7, 5), "nearest", ops)
    assert resized.dtype == "uint16"
    assert set(resized.ravel()) == {0, 5000, 9000}


@BOTH
def test_bicubic_overshoot_stays_in_the_range_of_the_dtype(ops):
    edge = np.zeros((1, 8, 1), "uint8")
    edge[:, 4:] = 255
    resized = resize(edge, (1, 32), "bicubic", ops)
    assert (resized.min(), resized.max()) == (0, 255)
    free = resize(edge.astype("float32"), (1, 32), "bicubic", ops)
    assert free.max() > 255


@BOTH
def test_random_crops_reach_every_position(ops):
    corners = set()
    for uniform in np.linspace(0, 1, 50, endpoint=False, dtype="float32"):
        uniforms = np.array([uniform, 1 - 2**-24, 0.7], "float32")
        place = random_geometry(pair(4, 4), None, (1, 2), 0.7, uniforms, ops)
        corners.add((int(place.offset[0]), int(place.offset[1])))
        assert not bool(place.mirrored)  # 0.7 is not below 0.7
    assert corners == {(0, 2), (1, 2), (2, 2), (3, 2)}


@BOTH
def test_a_smaller_image_stays_smaller(ops):
    place = random_geometry(pair(6, 20), None, (8, 10), 1.0, np.zeros(3, "float32"), ops)
    assert np.array(place.window).tolist() == [6, 10]
    assert place.size is None and bool(place.mirrored)


@BOTH
@pytest.mark.parametrize(
    ("scaled", "window", "size"),
    [
        ((10, 15), (20, 30), (10, 15)),  # half as large: all of it is in the crop
        ((20, 30), (16, 16), (16, 16)),
        ((40, 60), (8, 8), (16, 16)),  # twice as large: a crop of 16 shows 8 stored pixels
        ((14, 21), (20, 23), (14, 16)),  # of 22.86
    ],
)
def test_the_window_shows_what_the_crop_would(ops, scaled, window, size):
    uniforms = np.array([0.999, 0, 1], "float32")
    place = random_geometry(pair(20, 30), pair(*scaled), (16, 16), 0.5, uniforms, ops)
    assert np.array(place.window).tolist() == list(window)
    assert np.array(place.size).tolist() == list(size)
    assert np.array(place.offset).tolist() == [20 - window[0], 0]


@BOTH
def test_negated_channels_of_a_mirror_image(ops):
    normal = np.array([[[0.5, 0.25, -1], [1, 0, 0]]], "float32")
    place = Geometry(pair(0, 0), pair(1, 2), ops.asarray(True), None)
    result = np.array(negate_mirrored(normal, (0,), place, ops))
    np.testing.assert_array_equal(result, normal * [-1, 1, 1])
    straight = place._replace(mirrored=ops.asarray(False))
    np.testing.assert_array_equal(negate_mirrored(normal, (0,), straight, ops), normal)
    np.testing.assert_array_equal(negate_mirrored(normal, (), place, ops), normal)


@BOTH
def test_pad_by_hand(ops):
    stored = ops.asarray(np.array([[[7]]], "uint8"))
    padded = np.array(pad_to(stored, (2, 4), 255, ops))
    assert padded.dtype == "uint8"
    np.testing.assert_array_equal(padded[..., 0], [[255, 7, 255, 255], [255, 255, 255, 255]])
    corner = np.array(pad_to(stored, (1, 3), 0, ops, centred=False))
    np.testing.assert_array_equal(corner[..., 0], [[7, 0, 0]])


def test_whole_images():
    place = geometry.whole_image(pair(6, 8), None, numpy_ops)
    stored = image(6, 8)
    np.testing.assert_array_equal(transform(stored, place, "bicubic", numpy_ops), stored)
    place = geometry.whole_image(pair(6, 8), pair(3, 5), numpy_ops)
    assert transform(stored, place, "bilinear", numpy_ops).shape == (3, 5, 1)
