"""A random furnished room: what stands where, in which colours, seen from where."""

import dataclasses
import math

import numpy as np

from tfds_builders.rendered_rooms import palette
from tfds_builders.rendered_rooms.class_names import LABEL
from tfds_builders.rendered_rooms.furnishing import furnish
from tfds_builders.rendered_rooms.layout import Layout
from tfds_builders.rendered_rooms.materials import Material
from tfds_builders.rendered_rooms.ray_caster import Solid


@dataclasses.dataclass(frozen=True)
class Decal:
    """A rectangle flush with a face of the room: no step in depth, only another colour.

    Args:
        surface: Face of the room: `"left"`, `"right"`, `"back"` or `"floor"`.
        center: Its centre on that face in metres from the room's centre: along the wall and up; on
            the floor x and y.
        half: Half sizes in metres.
        yaw: Turn in the plane of the face, radians.
        label: Class index.
        material: Its `Material`.
        is_open: Whether there is nothing behind it: no geometry, no normal, no depth.
    """

    surface: str
    center: tuple
    half: tuple
    yaw: float
    label: int
    material: Material
    is_open: bool = False


@dataclasses.dataclass(frozen=True)
class Scene:
    """All that is needed to render one room: metres, z is up, the camera looks along +y."""

    room: Solid
    surfaces: dict
    decals: list
    solids: list
    camera_position: tuple
    camera_yaw: float
    camera_pitch: float
    camera_roll: float
    lights: list
    ambient: float


def _sample_decals(rng, layout, wall):
    decals = []

    def add(surface, width, height, bottom, label, material, **kwargs):
        along = layout.reserve_wall(surface, width, bottom, height)
        if along is None:
            return
        center = (along, bottom + height / 2 - layout.size[2] / 2)
        half = (width / 2, height / 2)
        decals.append(Decal(surface, center, half, 0.0, LABEL[label], material, **kwargs))

    for _ in range(rng.choice([0, 1, 1, 2])):
        texture = rng.choice(["fronts", "fronts", "planks"])
        material = palette.wood(rng, texture)
        size = rng.uniform(0.8, 1.05), rng.uniform(1.95, 2.1)
        add(layout.random_wall(), *size, 0.0, "door", material)
    for _ in range(rng.choice([0, 1, 1, 2])):
        size = rng.uniform(0.9, 1.6), rng.uniform(0.9, 1.3)
        is_open = bool(rng.random() < 0.15)
        material = palette.window(rng)
        add(layout.random_wall(), *size, rng.uniform(0.8, 1.0), "window", material, is_open=is_open)
    for _ in range(rng.choice([1, 1, 2, 3])):
        size = rng.uniform(0.5, 1.2), rng.uniform(0.5, 0.9)
        add(layout.random_wall(), *size, rng.uniform(1.1, 1.4), "picture", palette.picture(rng))
    for _ in range(rng.choice([0, 1, 1, 2])):
        size = rng.uniform(0.6, 1.4), rng.uniform(0.8, 1.9)
        material = palette.painted_panel(rng, wall)
        add(layout.random_wall(), *size, rng.choice([0.0, 0.6]), "wall", material)
    if rng.random() < 0.75:
        half = rng.uniform(0.6, 1.0), rng.uniform(0.5, 0.9)
        width, depth = layout.size[0], layout.size[1]
        center = rng.uniform(-0.2, 0.2) * width, rng.uniform(-0.05, 0.2) * depth
        yaw = rng.choice([0.0, rng.uniform(-0.6, 0.6)])
        decals.append(Decal("floor", center, half, yaw, LABEL["rug"], palette.rug(rng)))
    return decals


def sample_scene(seed):
    """Draws a room.

    Args:
        seed: An integer or a `np.random.SeedSequence`.

    Returns:
        A `Scene`.
    """
    rng = np.random.default_rng(seed)
    size = (rng.uniform(3.6, 5.2), rng.uniform(3.8, 5.4), rng.uniform(2.4, 2.8))
    camera = (size[0] * rng.uniform(0.35, 0.65), rng.uniform(0.15, 0.5), rng.uniform(1.35, 1.7))
    aim = size[0] * rng.uniform(0.3, 0.7)
    yaw = math.atan2(camera[0] - aim, size[1] - camera[1])
    layout = Layout(rng, size, camera, yaw)
    wall, floor = palette.wall(rng), palette.floor(rng)
    surfaces = {"wall": wall, "floor": floor, "ceiling": palette.ceiling(rng)}
    decals = _sample_decals(rng, layout, wall)
    solids = furnish(rng, layout, wall, floor)

    ceiling_light = (
        size[0] * rng.uniform(0.2, 0.8),
        size[1] * rng.uniform(0.2, 0.7),
        size[2] - 0.2,
    )
    camera_light = (camera[0] + rng.uniform(-0.3, 0.3), camera[1] - 0.1, camera[2] + 0.35)
    main = camera_light if rng.random() < 0.4 else ceiling_light
    offsets = ((-0.12, -0.05), (0.05, 0.12), (0.1, -0.1))
    lights = [(main[0] + dx, main[1] + dy, main[2]) for dx, dy in offsets]
    return Scene(
        room=Solid(tuple(s / 2 for s in size), tuple(s / 2 for s in size), 0.0, 0, wall),
        surfaces=surfaces,
        decals=decals,
        solids=solids,
        camera_position=camera,
        camera_yaw=yaw,
        camera_pitch=-math.radians(rng.uniform(8, 17)),
        camera_roll=math.radians(rng.uniform(-1.5, 1.5)),
        lights=lights,
        ambient=rng.uniform(0.35, 0.6),
    )
