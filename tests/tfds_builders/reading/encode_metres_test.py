import numpy as np
import pytest

from tfds_builders.reading import encode_metres


def test_rounded_with_holes():
    metres = np.array([[0, 1, 2.84], [np.nan, np.inf, 13.107]], np.float32)
    units = encode_metres(metres, 5000, "a.mat")
    assert units.dtype == np.uint16
    np.testing.assert_array_equal(units, [[0, 5000, 14200], [0, 0, 65535]])


@pytest.mark.parametrize("metres", [-0.5, 13.2, 2840.0])
def test_outside_of_the_range(metres):
    with pytest.raises(ValueError, match=r"^a\.mat: depth must be in 0\.\.13\.107 metres"):
        encode_metres(np.array([[1, metres]], np.float32), 5000, "a.mat")
