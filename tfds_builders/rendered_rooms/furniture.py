"""Furniture as lists of solids, standing on the floor around the origin and facing -y."""

import math

from tfds_builders.rendered_rooms.ray_caster import Solid


def _box(x, y, z, width, depth, height, label, material):
    """A box over the floor point (x, y), its underside at height z; sizes in metres."""
    half = (width / 2, depth / 2, height / 2)
    return Solid((x, y, z + height / 2), half, 0.0, label, material)


def place(solids, x, y, z, yaw):
    """Turns furniture about the vertical axis by `yaw` radians and moves it to (x, y, z)."""
    c, s = math.cos(yaw), math.sin(yaw)
    placed = []
    for solid in solids:
        a, b, h = solid.center
        center = (x + c * a - s * b, y + s * a + c * b, z + h)
        placed.append(
            Solid(center, solid.half, solid.yaw + yaw, solid.label, solid.material, solid.shape)
        )
    return placed


def block(width, depth, height, label, material):
    """A cabinet, a box or an ottoman: shape alone does not tell the last two apart."""
    return [_box(0, 0, 0, width, depth, height, label, material)]


def table(width, depth, height, label, material):
    """A board on four legs."""
    leg, board = 0.07, 0.06
    solids = [_box(0, 0, height - board, width, depth, board, label, material)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (width / 2 - leg), sy * (depth / 2 - leg)
            solids.append(_box(x, y, 0, leg, leg, height - board, label, material))
    return solids


def sofa(width, depth, height, label, material):
    """Seat, back and two arms."""
    arm, back, seat = 0.16, 0.24, 0.5 * height
    return [
        _box(0, 0, 0.06, width, depth, seat - 0.06, label, material),
        _box(0, (depth - back) / 2, seat, width, back, height - seat, label, material),
        _box(-(width - arm) / 2, -back / 2, seat, arm, depth - back, 0.2, label, material),
        _box((width - arm) / 2, -back / 2, seat, arm, depth - back, 0.2, label, material),
    ]


def lamp(radius, height, label, material):
    """A round shade on a pole; `height` is that of the shade's centre."""
    return [
        _box(0, 0, 0, 0.3, 0.3, 0.03, label, material),
        _box(0, 0, 0, 0.04, 0.04, height, label, material),
        Solid((0, 0, height), (radius, radius, 0.85 * radius), 0.0, label, material, "ellipsoid"),
    ]
