import numpy as np
import pytest

from keras_asym.ops import resize_bicubic, resize_bilinear
from tests.helpers import images

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


def test_bicubic_keeps_what_is_linear_and_size():
    ramp = np.broadcast_to(np.arange(12, dtype="float32")[None, :, None, None], (1, 12, 8, 2))
    y = np.asarray(resize_bicubic(ramp, (24, 8)))
    inside = (np.arange(24) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(y[0, 6:-6, 0, 0], inside[6:-6], atol=1e-5)
    x = images(2, 6, 9, 3)
    np.testing.assert_allclose(resize_bicubic(x, (6, 9)), x, atol=1e-5)


def test_sizes_of_any_kind():
    x = images(2, 6, 9, 3)
    with pytest.raises(ValueError, match="unpack"):
        resize_bilinear(x, (11, 17, 3))
    np.testing.assert_array_equal(
        resize_bilinear(x, [np.int32(11), np.int32(17)]), resize_bilinear(x, (11, 17))
    )
