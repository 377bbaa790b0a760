import numpy as np
import pytest

from recipes.segmentation.corruptions import Sensor


def test_units_and_holes_are_read():
    image = np.array([[[0], [1500]], [[65535], [500]]], "uint16")
    values, hole, _ = Sensor("d", "depth", 1000.0, 65535).read(image)
    np.testing.assert_array_equal(hole, [[False, False], [True, False]])
    np.testing.assert_array_equal(values[..., 0], [[0, 1.5], [0, 0.5]])


def test_a_hole_is_the_marker_in_all_channels_or_not_finite():
    image = np.zeros((2, 2, 2), "float32")
    image[0, 0] = (-1, -1)
    image[0, 1] = (-1, 3)
    image[1, 0, 0] = np.nan
    _, hole, _ = Sensor("x", invalid=(-1, -1)).read(image)
    np.testing.assert_array_equal(hole, [[True, False], [True, False]])


def test_without_a_scale_it_is_the_images_own_spread():
    image = np.arange(101, dtype="float32").reshape(1, 101, 1)
    values, _, scale = Sensor("x").read(image)
    assert scale == 40 and values[0, 80, 0] == 2
    assert Sensor("x").read(np.full((2, 2, 1), 7.0))[2] == 1
    assert Sensor("x", invalid=0).read(np.zeros((2, 2, 1), "uint8"))[2] == 1


def test_what_did_not_change_keeps_its_bytes():
    image = np.array([[[0.1], [np.nan], [0.3]]], "float32")
    sensor = Sensor("x", "generic", 0.7, 0)
    values, hole, scale = sensor.read(image)
    new = values.copy()
    new[0, 2] += 1
    found = sensor.write(new, hole, scale, image, (values, hole))
    np.testing.assert_array_equal(found[0, :2], image[0, :2])
    assert found[0, 2, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("dtype", "invalid", "expected"),
    [("uint16", 0, 1), ("uint16", 700, 701), ("uint8", 255, 254), ("int16", -5, -4)],
)
def test_no_value_becomes_a_hole_by_accident(dtype, invalid, expected):
    image = np.full((1, 2, 1), 50, dtype)
    sensor = Sensor("x", "generic", 1.0, invalid)
    values, hole, scale = sensor.read(image)
    new = np.where([[[True], [False]]], invalid, values)
    found = sensor.write(new, hole, scale, image, (values, hole))
    assert found.ravel().tolist() == [expected, 50]
    found = sensor.write(new, np.array([[True, False]]), scale, image, (values, hole))
    assert found.ravel().tolist() == [invalid, 50]


def test_floats_pass_by_the_marker():
    image = np.full((1, 1, 1), 2.0, "float32")
    sensor = Sensor("x", "generic", 1.0, -9999)
    values, hole, scale = sensor.read(image)
    found = sensor.write(values * 0 - 9999, hole, scale, image, (values, hole))
    assert found == np.nextafter(np.float32(-9999), np.float32(0))


def test_values_are_clipped_to_dtype_white_and_zero():
    for sensor, expected in (
        (Sensor("r", "rgb", 4095.0), [0, 4095, 4095]),
        (Sensor("d", "depth", 1000.0, 65535), [0, 9000, 65534]),
        (Sensor("t", "generic", 10000.0), [0, 65535, 65535]),
    ):
        image = np.full((1, 3, 3 if sensor.kind == "rgb" else 1), 100, "uint16")
        values, hole, scale = sensor.read(image)
        new = np.broadcast_to([[[-3.0], [9.0], [99.0]]], image.shape)
        found = sensor.write(new, hole, scale, image, (values, hole))
        assert found[0, :, 0].tolist() == expected


def test_holes_of_a_sensor_without_a_marker_are_zero():
    image = np.full((1, 2, 3), 9, "uint8")
    sensor = Sensor("r", "rgb", 255.0)
    values, hole, scale = sensor.read(image)
    found = sensor.write(values, np.array([[True, False]]), scale, image, (values, hole))
    assert found.tolist() == [[[0, 0, 0], [9, 9, 9]]]


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        ("depth", (4, 5), r"must be \(height, width, 1\), as its kind is 'depth'"),
        ("rgb", (4, 5, 4), r"must be \(height, width, 3\)"),
        ("generic", (4, 5), r"must be \(height, width, channels\).*shape=\(4, 5\)"),
    ],
)
def test_images_of_other_shapes(kind, shape, message):
    with pytest.raises(ValueError, match=message):
        Sensor("x", kind, 1.0).read(np.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("depth", "depth"), "must be the units of a metre .*--kinds=depth=generic"),
        (("rgb", "rgb"), "must be the raw value of white"),
        (("x", "generic", -1.0), "`scale` must be positive"),
    ],
)
def test_unusable_sensors(arguments, message):
    with pytest.raises(ValueError, match=message):
        Sensor(*arguments)
