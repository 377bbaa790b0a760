"""Planes by perspective: z is 1 over a linear function of the picture."""

import numpy as np
import pytest

from tfds_builders.validate.depth_faults import depth_findings, likely_units
from tfds_builders.validate.depth_nature import DepthNature


def floor(rng, size=(96, 128)):
    """A floor up to a wall, in metres, with a box and some noise."""
    y, x = np.mgrid[: size[0], : size[1]] / size[0] - 0.5
    inverse = np.maximum(0.22, 0.75 * y + rng.uniform(-0.05, 0.05) * x + 0.15)
    metres = 1 / inverse
    top, left = rng.integers(20, 50, 2)
    metres[top : top + 30, left : left + 30] = rng.uniform(1.2, 1.6)
    return 0.65 * metres * rng.uniform(0.9, 1.1)


def nature_of(change, frames=6, dtype=np.uint16):
    rng = np.random.default_rng(0)
    found = DepthNature()
    for _ in range(frames):
        values = np.asarray(change(floor(rng)))
        values = values[..., None] if values.ndim == 2 else values
        found.add((np.rint(values) if dtype != np.float32 else values).astype(dtype))
    return found


@pytest.mark.parametrize(
    ("change", "nature", "curvature"),
    [
        (lambda z: 1000 * z, "distance", 2),
        (lambda z: 20000 / z, "disparity", 0),
        (lambda z: 20000 / z + 500, "disparity", 0),
        (lambda z: 65535 - 1000 * z, "inverted", -50),
        (lambda z: 8000 - 1000 * z, "inverted", -6),
    ],
)
def test_curvature_of_planes_tells_distance_disparity_and_inverse(change, nature, curvature):
    found = nature_of(change)
    assert found.nature() == nature
    measured = np.median(found.curvatures)
    assert abs(measured - curvature) < max(0.3, 0.8 * abs(curvature))


def test_a_camera_that_looks_up_raises_no_alarm():
    """Where the lower part is the farther one, the curvature still says that it is a distance."""
    found = nature_of(lambda z: 1000 * z[::-1])
    assert found.nature() is None
    assert not [f for f in depth_findings("depth", found, 1000) if f.is_error]


def test_pictures_of_depth_are_told_from_hha_and_photos():
    def map_of(z):
        share = z / z.max()
        return 255 * np.stack([share, 4 * share * (1 - share), 1 - share], -1)

    assert nature_of(map_of, dtype=np.uint8).nature() == "color_map"
    assert nature_of(lambda z: 255 * z / z.max(), dtype=np.uint8).nature() == "color_map"
    rng = np.random.default_rng(0)
    photo = nature_of(lambda z: rng.integers(0, 256, (*z.shape, 3)), dtype=np.uint8)
    assert photo.nature() == "photo"


@pytest.mark.parametrize("units", [1, 1000, 5000, 10000])
def test_units_are_named_where_another_was_declared(units):
    dtype = np.float32 if units == 1 else np.uint16
    found = nature_of(lambda z: units * z, dtype=dtype)
    assert likely_units(found)[0] == units
    assert not list(depth_findings("depth", found, units))
    (wrong,) = depth_findings("depth", found, 1000 if units != 1000 else 5000)
    word = {1: "float_metres", 1000: "millimetres", 5000: "5000ths_of_a_metre"}
    assert wrong.name == f"depth_in_{word.get(units, 'tenths_of_a_millimetre')}"
    assert wrong.is_error


def test_an_undeclared_unit_is_a_note():
    (note,) = depth_findings("depth", nature_of(lambda z: 1000 * z))
    assert note.level == "note" and note.name in ("depth_in_millimetres", "depth_unit_unsure")
