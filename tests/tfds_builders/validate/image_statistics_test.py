import numpy as np
import pytest

from tfds_builders.validate.image_statistics import ImageStatistics


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_depth_is_measured_without_its_holes(dtype):
    depth = np.zeros((4, 5, 1), dtype)
    depth[0, :, 0] = (1000, 2000, 3000, 4000, 65535 if dtype == "uint16" else np.nan)
    statistics = ImageStatistics(has_holes=True)
    statistics.add(depth)
    statistics.add(np.zeros((4, 5, 1), dtype))
    assert statistics.hole_share == 36 / 40 and statistics.empty == 1
    low, middle, high = statistics.quantiles((0, 0.5, 1))
    assert (low, high) == (1000, 4000) and 2000 <= middle <= 3000
    assert statistics.sizes == {(4, 5): 2} and statistics.types == {f"{dtype} x 1": 2}


def test_values_below_zero():
    statistics = ImageStatistics()
    statistics.add(np.array([[[-400, 7]], [[0, 32767]]], "int16"))
    assert statistics.range == (-400, 32767) and statistics.holes == 1


def test_other_images_have_no_holes():
    statistics = ImageStatistics()
    statistics.add(np.array([[[0, 0, 7]]], "uint8"))
    assert statistics.quantiles((0.5,))[0] == 0
    assert statistics.range == (0, 7)
    assert statistics.divisor == 7


def test_nothing_is_measured():
    statistics = ImageStatistics(has_holes=True)
    assert statistics.range is None and statistics.quantiles((0.5,)) is None
    statistics.add(np.full((2, 2, 1), np.nan, "float32"))
    assert statistics.quantiles((0.5,)) is None
