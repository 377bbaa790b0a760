import math

import numpy as np

from tfds_builders.rendered_rooms.materials import Material
from tfds_builders.rendered_rooms.ray_caster import Solid, cast, visible

PAINT = Material("plain", (1.0, 1.0, 1.0))
ROOM = Solid((2.0, 2.0, 1.5), (2.0, 2.0, 1.5), 0.0, 0, PAINT)


def rays(*directions):
    return [np.float32(component) for component in zip(*directions, strict=True)]


def test_room_from_inside():
    hits = cast(ROOM, [], (1.0, 1.0, 1.0), rays((0, 1, 0), (1, 0, 0), (0, 0, -1), (0, 0, 1)))
    np.testing.assert_allclose(hits.t, [3, 3, 1, 2])
    np.testing.assert_allclose(hits.normal, [(0, -1, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1)])
    assert (hits.solid == -1).all()


def test_box_turned_by_45_degrees():
    # Its edge is nearest: sqrt(2) / 2 before the centre.
    box = Solid((2.0, 3.0, 1.0), (0.5, 0.5, 0.5), math.pi / 4, 7, PAINT)
    hits = cast(ROOM, [box], (2.0, 1.0, 1.0), rays((0, 1, 0), (0.1, 1, 0), (0, 1, 0.6)))
    np.testing.assert_allclose(hits.t[0], 2 - math.sqrt(0.5), rtol=1e-5)
    np.testing.assert_array_equal(hits.solid, [0, 0, -1])
    # On the right of the edge the face looks to the right and to the camera.
    np.testing.assert_allclose(hits.normal[1], [math.sqrt(0.5), -math.sqrt(0.5), 0], atol=1e-6)


def test_ellipsoid():
    ball = Solid((2.0, 3.0, 1.0), (0.5, 0.5, 0.25), 0.3, 7, PAINT, "ellipsoid")
    hits = cast(ROOM, [ball], (2.0, 1.0, 1.0), rays((0, 1, 0), (0, 1, 0.12), (0, 1, 0.2)))
    np.testing.assert_allclose(hits.t[0], 1.5, rtol=1e-5)
    np.testing.assert_allclose(hits.normal[0], [0, -1, 0], atol=1e-6)
    np.testing.assert_array_equal(hits.solid, [0, 0, -1])
    # The point solves the ellipsoid's equation.
    x = (hits.point[1] - (2, 3, 1)) / (0.5, 0.5, 0.25)
    np.testing.assert_allclose((x * x).sum(), 1, rtol=1e-4)


def test_nearest_solid_wins_in_any_order():
    near = Solid((2.0, 2.0, 1.0), (0.5, 0.1, 0.5), 0.0, 1, PAINT)
    far = Solid((2.0, 3.0, 1.0), (0.5, 0.1, 0.5), 0.0, 2, PAINT)
    for solids, index in (([near, far], 0), ([far, near], 1)):
        hits = cast(ROOM, solids, (2.0, 1.0, 1.0), rays((0, 1, 0)))
        np.testing.assert_allclose(hits.t, 0.9, rtol=1e-6)
        assert hits.solid[0] == index


def test_shadow():
    board = Solid((2.0, 2.0, 1.0), (0.5, 0.5, 0.05), 0.0, 1, PAINT)
    below, beside, above = (2.0, 2.0, 0.2), (0.5, 0.5, 0.2), (2.0, 2.0, 1.2)
    lit = visible([board], np.float32([below, beside, above]), (2.0, 2.0, 2.5))
    np.testing.assert_array_equal(lit, [False, True, True])
    # A light below the board.
    assert visible([board], np.float32([below]), (2.0, 2.0, 0.8))[0]
