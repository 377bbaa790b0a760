"""Exact intersection of rays with a room, boxes and ellipsoids, vectorised over the rays."""

import dataclasses

import numpy as np

from tfds_builders.rendered_rooms.materials import Material

_EPSILON = np.float32(1e-9)


@dataclasses.dataclass(frozen=True)
class Solid:
    """A box or an ellipsoid, turned about the vertical axis.

    Args:
        center: World position in metres (x, y on the floor, z up).
        half: Half sizes (box) or radii (ellipsoid) in metres along its own axes.
        yaw: Turn about the vertical axis, in radians.
        label: Class index.
        material: Its `Material`.
        shape: `"box"` or `"ellipsoid"`.
    """

    center: tuple
    half: tuple
    yaw: float
    label: int
    material: Material
    shape: str = "box"


@dataclasses.dataclass
class Hits:
    """What each ray meets first; all arrays are flat, `(rays, ...)`.

    `t` is in units of the ray's direction, `solid` an index into the list of solids, -1 for the
    room. `point` is the world position, `local` the position in the solid's own frame (metres from
    its centre), `half` its half sizes, `axis` the axis (0, 1, 2) of the face that was hit and
    `normal` the unit world normal, which faces the ray's origin.
    """

    t: np.ndarray
    solid: np.ndarray
    point: np.ndarray
    local: np.ndarray
    half: np.ndarray
    axis: np.ndarray
    normal: np.ndarray


def _to_local(solid, x, y, z):
    """Turns world vectors, given by component, into the solid's own axes."""
    c, s = np.float32(np.cos(solid.yaw)), np.float32(np.sin(solid.yaw))
    return c * x + s * y, c * y - s * x, z


def _near_and_far(solid, origin, direction):
    """Ray parameters where the rays enter and leave the solid (entering after leaving: a miss)."""
    offset = [np.float32(o) - np.float32(c) for o, c in zip(origin, solid.center, strict=True)]
    o = _to_local(solid, *offset)
    d = _to_local(solid, *direction)
    if solid.shape == "ellipsoid":
        o = [a / np.float32(r) for a, r in zip(o, solid.half, strict=True)]
        d = [a / np.float32(r) for a, r in zip(d, solid.half, strict=True)]
        dd = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
        od = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
        root = od * od - dd * (o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 1)
        miss = root < 0
        root = np.sqrt(np.maximum(root, 0))
        return np.where(miss, np.inf, (-od - root) / dd), (-od + root) / dd
    near, far = None, None
    for a, b, h in zip(o, d, solid.half, strict=True):
        inverse = 1 / np.where(np.abs(b) < _EPSILON, _EPSILON, b)
        middle, reach = -a * inverse, np.float32(h) * np.abs(inverse)
        low, high = middle - reach, middle + reach
        near = low if near is None else np.maximum(near, low)
        far = high if far is None else np.minimum(far, high)
    return near, far


def cast(room, solids, origin, direction):
    """First intersection of rays from one point with the room and its solids.

    Args:
        room: A `Solid` box, seen from the inside.
        solids: A list of `Solid`s inside it.
        origin: World position of the camera, three numbers.
        direction: Three `(rays,)` float32 arrays, the components of the directions.

    Returns:
        A `Hits`.
    """
    _, t = _near_and_far(room, origin, direction)
    index = np.full(t.shape, -1, np.int16)
    for i, solid in enumerate(solids):
        near, far = _near_and_far(solid, origin, direction)
        closer = (near <= far) & (near > 0) & (near < t)
        np.copyto(t, near, where=closer)
        index[closer] = i
    everything = [*solids, room]  # -1, the room, is the last
    center = np.float32([s.center for s in everything])[index]
    half = np.float32([s.half for s in everything])[index]
    yaw = np.array([s.yaw for s in everything])
    c, s = np.float32(np.cos(yaw))[index], np.float32(np.sin(yaw))[index]
    round_ = np.array([e.shape == "ellipsoid" for e in everything])[index]

    point = np.stack([np.float32(o) + t * d for o, d in zip(origin, direction, strict=True)], -1)
    x, y, z = np.moveaxis(point - center, -1, 0)
    local = np.stack([c * x + s * y, c * y - s * x, z], -1)
    relative = local / half
    axis = np.argmax(np.abs(relative), -1)
    flat = np.eye(3, dtype=np.float32)[axis] * np.sign(relative)
    flat[index < 0] *= -1  # the room's walls face inwards
    normal = np.where(round_[:, None], relative / half, flat)
    normal = np.stack(
        [c * normal[:, 0] - s * normal[:, 1], s * normal[:, 0] + c * normal[:, 1], normal[:, 2]], -1
    )
    normal /= np.sqrt((normal * normal).sum(-1, keepdims=True))
    return Hits(t, index, point, local, half, axis, normal)


def visible(solids, point, light):
    """Whether each point sees a light.

    Args:
        solids: A list of `Solid`s.
        point: `(points, 3)` world positions, a little above their surfaces.
        light: World position of the light.

    Returns:
        `(points,)` bool.
    """
    origin = tuple(np.ascontiguousarray(point[:, i]) for i in range(3))
    direction = tuple(np.float32(p) - o for p, o in zip(light, origin, strict=True))
    lit = np.ones(len(point), bool)
    for solid in solids:
        near, far = _near_and_far(solid, origin, direction)
        lit &= ~((near <= far) & (far > 0) & (near < 1))
    return lit
