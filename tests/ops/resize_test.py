import cv2
import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.ops import resize_bicubic, resize_bilinear
from tests.helpers import images

TENSORFLOW = keras.backend.backend() == "tensorflow"
SIZES = [(11, 17), (6, 9), (3, 4), (13, 5), (1, 1), (12, 18)]


def matrix(source, target, align_corners):
    """(target, source) weights of linear interpolation."""
    i = np.arange(target)
    if align_corners:
        place = i * (source - 1) / max(target - 1, 1)
    else:
        place = (i + 0.5) * source / target - 0.5
    distance = np.abs(np.clip(place, 0, source - 1)[:, None] - np.arange(source))
    return np.maximum(1 - distance, 0)


def by_hand(x, size, align_corners):
    rows = matrix(x.shape[1], size[0], align_corners)
    columns = matrix(x.shape[2], size[1], align_corners)
    return np.einsum("ih,jw,bhwc->bijc", rows, columns, x)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_bilinear(size, align_corners):
    x = images(2, 6, 9, 3)
    y = resize_bilinear(x, size, align_corners)
    assert y.shape == (2, *size, 3)
    np.testing.assert_allclose(y, by_hand(x, size, align_corners), atol=1e-5)


def test_aligned_corners_are_the_inputs():
    x = images(2, 6, 9, 3)
    y = np.asarray(resize_bilinear(x, (11, 17), align_corners=True))
    np.testing.assert_allclose(y[:, ::2, ::2], x, atol=1e-5)
    last = resize_bilinear(x[:, :1, :1], (4, 5), align_corners=True)
    np.testing.assert_allclose(last, np.broadcast_to(x[:, :1, :1], (2, 4, 5, 3)), atol=1e-6)


def opencv(x, size):
    resized = [cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC) for image in x]
    return np.stack(resized).reshape(len(x), *size, -1)


@pytest.mark.parametrize("shape", [(6, 9), (1, 9), (2, 3)])
@pytest.mark.parametrize("size", [*SIZES, (48, 72), (7, 8)])
def test_bicubic_is_that_of_opencv(size, shape):
    x = images(2, *shape, 3)
    y = resize_bicubic(x, size)
    assert y.shape == (2, *size, 3)
    np.testing.assert_allclose(y, opencv(x, size), atol=1e-5)


def test_bicubic_by_hand():
    # Between two pixels the kernel of distances 1/2 and 3/2 at a = -3/4; the border repeats.
    x = np.reshape([0.0, 0, 1, 0, 0], (1, 1, 5, 1)).astype("float32")
    y = np.asarray(resize_bicubic(x, (1, 10)))[0, 0, :, 0]
    a, d = -0.75, np.array([1.75, 1.25, 0.75, 0.25])  # of the pixels 1 to 4 beside the third
    far, near = a * (d**3 - 5 * d**2 + 8 * d - 4), (a + 2) * d**3 - (a + 3) * d**2 + 1
    half = np.where(d > 1, far, near)
    np.testing.assert_allclose(y, [0, *half, *half[::-1], 0], atol=1e-6)


@pytest.mark.skipif(not TENSORFLOW, reason="JAX knows every size")
def test_bicubic_of_sizes_known_at_run_time_and_under_xla():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec(2, tf.int32)])
    def dynamic(x, size):
        return resize_bicubic(x, (size[0], size[1]))

    x = images(1, 6, 9, 3)
    compiled = tf.function(lambda x: resize_bicubic(x, (13, 5)), jit_compile=True)
    for y in (dynamic(x, [13, 5]), compiled(x)):
        np.testing.assert_allclose(y, opencv(x, (13, 5)), atol=1e-5)


# JAX has no float64 unless it is told to.
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", *(["float64"] if TENSORFLOW else [])])
def test_dtypes_are_kept(dtype):
    x = ops.cast(images(1, 6, 9, 3), dtype)
    for resize, other in (
        (resize_bicubic, opencv(images(1, 6, 9, 3), (12, 18))),
        (resize_bilinear, by_hand(images(1, 6, 9, 3), (12, 18), False)),
    ):
        y = resize(x, (12, 18))
        assert keras.backend.standardize_dtype(y.dtype) == dtype
        np.testing.assert_allclose(ops.cast(y, "float32"), other, atol=0.1)


def test_bicubic_keeps_what_is_constant_and_size():
    x = images(2, 6, 9, 3)
    np.testing.assert_allclose(resize_bicubic(x, (6, 9)), x, atol=1e-5)
    ones = np.ones((1, 3, 4, 2), "float32")
    np.testing.assert_allclose(resize_bicubic(ones, (7, 2)), np.ones((1, 7, 2, 2)), atol=1e-6)


def test_sizes_of_any_kind():
    x = images(2, 6, 9, 3)
    with pytest.raises(ValueError, match="unpack"):
        resize_bilinear(x, (11, 17, 3))
    np.testing.assert_array_equal(
        resize_bilinear(x, [np.int32(11), np.int32(17)]), resize_bilinear(x, (11, 17))
    )
