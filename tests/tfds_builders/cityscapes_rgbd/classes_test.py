import numpy as np
import pytest

from tfds_builders.cityscapes_rgbd.classes import CLASS_NAMES, to_train_ids


def test_train_ids():
    # ID of every label of the data set, and its train id in the benchmark.
    expected = [255] * 7 + [0, 1, 255, 255, 2, 3, 4, 255, 255, 255, 5, 255]
    expected += [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 16, 17, 18]
    ids = np.arange(34, dtype=np.uint8).reshape(2, 17, 1)
    result = to_train_ids(ids, "frame")
    assert result.dtype == np.uint8 and result.shape == ids.shape
    np.testing.assert_array_equal(result.ravel(), expected)
    assert len(CLASS_NAMES) == 19 and CLASS_NAMES[13] == "car"


def test_ids_above_the_maximum():
    ids = np.array([[0, 34, 34, 255]], np.uint8)
    with pytest.raises(ValueError, match=r"^a\.png: .*0\.\.33.*34 \(2 pixels\), 255 \(1 pixels\)"):
        to_train_ids(ids, "a.png")
