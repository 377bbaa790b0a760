"""From hits to labels and to the light that reaches the camera."""

import math

import numpy as np

from tfds_builders.rendered_rooms.class_names import LABEL
from tfds_builders.rendered_rooms.materials import reflectance, value_noise
from tfds_builders.rendered_rooms.ray_caster import visible

_SURFACES = {"left": (0, -1), "right": (0, 1), "back": (1, 1), "floor": (2, -1)}


def face_coordinates(hits):
    """Coordinates on the face that was hit.

    Returns:
        `u`, `v` and half the face's size along them, each `(rays,)`, metres.
    """
    first = np.where(hits.axis == 0, 1, 0)[:, None]
    second = np.where(hits.axis == 2, 1, 2)[:, None]

    def take(values, axis):
        return np.take_along_axis(values, axis, 1)[:, 0]

    return (
        take(hits.local, first),
        take(hits.local, second),
        take(hits.half, first),
        take(hits.half, second),
    )


def surfaces_of(scene, hits):
    """Labels, materials and surface coordinates of all hits.

    Returns:
        `label` `(rays,)` uint8; `is_open` `(rays,)` bool, no geometry there; `material` `(rays,)`
        index into `materials`; `materials`, a list; `u, v, half_u, half_v`.
    """
    u, v, half_u, half_v = face_coordinates(hits)
    u_face, v_face = u.copy(), v.copy()
    room = hits.solid < 0
    face = np.where(hits.axis == 2, np.where(hits.local[:, 2] < 0, 1, 2), 0)
    label = np.where(room, np.array([LABEL["wall"], LABEL["floor"], LABEL["ceiling"]])[face], 0)
    materials = [scene.surfaces[name] for name in ("wall", "floor", "ceiling")]
    material = np.where(room, face, 0)
    is_open = np.zeros(label.shape, bool)
    for decal in scene.decals:
        axis, side = _SURFACES[decal.surface]
        du, dv = u_face - np.float32(decal.center[0]), v_face - np.float32(decal.center[1])
        c, s = np.float32(math.cos(decal.yaw)), np.float32(math.sin(decal.yaw))
        du, dv = c * du + s * dv, c * dv - s * du
        inside = room & (hits.axis == axis) & (hits.local[:, axis] * side > 0)
        inside &= (np.abs(du) < decal.half[0]) & (np.abs(dv) < decal.half[1])
        label[inside] = decal.label
        is_open[inside] = decal.is_open
        material[inside] = len(materials)
        materials.append(decal.material)
        u[inside], v[inside] = du[inside], dv[inside]
        half_u[inside], half_v[inside] = decal.half
    on_solid = np.flatnonzero(~room)
    label[on_solid] = np.array([s.label for s in scene.solids], int)[hits.solid[on_solid]]
    material[on_solid] = len(materials) + hits.solid[on_solid]
    materials += [solid.material for solid in scene.solids]
    return label.astype(np.uint8), is_open, material, materials, (u, v, half_u, half_v)


def _corner_darkening(scene, hits):
    """Less ambient light near the edges of the room and near the floor: `(rays,)` in 0..1."""
    size = np.float32(scene.room.half) * 2
    factor = np.ones(len(hits.t), np.float32)
    for axis in range(3):
        x = hits.point[:, axis]
        distance = np.maximum(np.minimum(x, size[axis] - x), 0)
        distance[(hits.solid < 0) & (hits.axis == axis)] = 9
        factor *= 1 - 0.35 * np.exp(-distance / 0.3)
    return factor


def reflected(scene, hits, material, materials, coordinates):
    """What each hit reflects and how brightly it is lit: their product is its light.

    Args:
        scene: A `Scene`.
        hits: The camera rays' `Hits`.
        material, materials, coordinates: As `surfaces_of` returns them.

    Returns:
        `albedo` `(rays, 3)` in 0..1 and `illumination` `(rays, 1)`, both float32, linear. A surface
        that shines by itself counts as one that is lit the more.
    """
    color = np.zeros((len(hits.t), 3), np.float32)
    emitted = np.zeros((len(hits.t), 1), np.float32)
    for i, surface in enumerate(materials):
        mine = np.flatnonzero(material == i)
        if mine.size:
            color[mine] = reflectance(surface, *(c[mine] for c in coordinates))
            emitted[mine] = surface.emission
    above = hits.point + np.float32(2e-3) * hits.normal
    direct = np.zeros(len(hits.t), np.float32)
    for light in scene.lights:
        to_light = np.float32(light) - above
        squared = (to_light * to_light).sum(-1)
        cosine = (to_light * hits.normal).sum(-1) / np.sqrt(squared)
        facing = np.flatnonzero(cosine > 0)
        lit = facing[visible(scene.solids, above[facing], light)]
        direct[lit] += cosine[lit] / (1 + squared[lit] / 12) / len(scene.lights)
    ambient = np.float32(scene.ambient) * _corner_darkening(scene, hits)
    # Ambient light comes from above more than from below.
    ambient *= 1 + np.float32(0.15) * hits.normal[:, 2]
    return color, (ambient + 0.8 * direct)[:, None] + emitted


def radiance(scene, hits, material, materials, coordinates):
    """Linear light from each hit, without noise: `(rays, 3)`; 1 is a white wall in full light.

    Args:
        scene, hits, material, materials, coordinates: As for `reflected`.
    """
    albedo, illumination = reflected(scene, hits, material, materials, coordinates)
    return albedo * illumination


def patches(rng, height, width, size):
    """Smooth random field in [0, 1), `(height, width)`, with patches of `size` pixels."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    shift = rng.integers(0, 10000, 2)
    return value_noise(x / size + shift[0], y / size + shift[1])
