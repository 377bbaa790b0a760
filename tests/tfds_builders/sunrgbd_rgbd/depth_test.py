import numpy as np

from tests.tfds_builders.sunrgbd_rgbd.official_archives import rotated
from tfds_builders.sunrgbd_rgbd.depth import decode_depth


def test_every_value():
    millimetres = np.arange(65536, dtype=np.uint32).astype(np.uint16).reshape(256, 256)
    depth = decode_depth(rotated(millimetres))
    assert depth.dtype == np.uint16
    np.testing.assert_array_equal(depth, np.minimum(millimetres, 8000))


def test_by_hand():
    # 0b0000_1011_1011_1000 = 3000 is stored with all bits three places further.
    stored = np.array([0, 0b0101_1101_1100_0000, 0b0000_0000_0000_1001], np.uint16)
    assert decode_depth(stored).tolist() == [0, 3000, 8000]
