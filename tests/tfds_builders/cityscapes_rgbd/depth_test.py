import json

import numpy as np
import pytest

from tfds_builders.cityscapes_rgbd.depth import (
    MAX_DEPTH,
    UNITS_PER_METRE,
    Camera,
    depth_from_disparity,
    parse_camera,
)

CAMERA = Camera(baseline=0.2, focal_length=2000.0)  # 400 m at a disparity of one pixel


def test_depth_by_hand():
    # Disparities of 2, 1.5 and 256 - 1/128 pixels: 200 m, 266.67 m, 1.5625 m.
    stored = np.array([[1 + 512], [1 + 384], [65535]], np.uint16)
    depth = depth_from_disparity(stored, CAMERA)
    assert depth.dtype == np.uint16
    np.testing.assert_array_equal(depth, [[40000], [53333], [313]])


def test_holes():
    # No disparity, disparity zero, a parallax of 1/256 pixel (102 km).
    stored = np.array([0, 1, 2], np.uint16)
    np.testing.assert_array_equal(depth_from_disparity(stored, CAMERA), [0, 0, 0])


def test_limit_of_300_metres():
    # 4/3 pixels are 341.33 steps.
    stored = 1 + np.array([341, 342], np.uint16)
    np.testing.assert_array_equal(depth_from_disparity(stored, CAMERA), [0, 59883])
    assert MAX_DEPTH * UNITS_PER_METRE < 65535


def test_every_stored_value():
    stored = np.arange(65536, dtype=np.uint16)
    depth = depth_from_disparity(stored, CAMERA) / UNITS_PER_METRE
    with np.errstate(divide="ignore"):
        expected = 400 / ((stored.astype(float) - 1) / 256)
    seen = (stored > 1) & (expected <= 300)
    np.testing.assert_array_equal(depth[~seen], 0)
    assert np.abs(depth - expected)[seen].max() <= 0.5 / UNITS_PER_METRE + 1e-9


def test_camera_file():
    content = {"extrinsic": {"baseline": 0.21, "x": 1.7}, "intrinsic": {"fx": 2262, "fy": 2265}}
    assert parse_camera(json.dumps(content).encode(), "a.json") == Camera(0.21, 2262.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"extrinsic": {}, "intrinsic": {"fx": 2262}}',
        '{"extrinsic": {"baseline": null}, "intrinsic": {"fx": 2262}}',
        '{"extrinsic": {"baseline": 0}, "intrinsic": {"fx": 2262}}',
        '{"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": NaN}}',
    ],
)
def test_broken_camera_file(text):
    with pytest.raises(ValueError, match=r"^camera\.zip, member a\.json: "):
        parse_camera(text.encode(), "camera.zip, member a.json")
