import dataclasses

import numpy as np

from tfds_builders.rendered_rooms.class_names import LABEL
from tfds_builders.rendered_rooms.materials import Material
from tfds_builders.rendered_rooms.ray_caster import Solid, cast
from tfds_builders.rendered_rooms.scene import Decal, Scene
from tfds_builders.rendered_rooms.shading import radiance, reflected, surfaces_of

WHITE = Material("plain", (0.8, 0.8, 0.8), (0.8, 0.8, 0.8))
RED = Material("plain", (0.8, 0.0, 0.0), (0.8, 0.0, 0.0))
SCENE = Scene(
    room=Solid((2.0, 2.0, 1.5), (2.0, 2.0, 1.5), 0.0, 0, WHITE),
    surfaces={"wall": WHITE, "floor": WHITE, "ceiling": WHITE},
    decals=[
        Decal("back", (-1.0, 0.0), (0.5, 0.5), 0.0, LABEL["door"], RED),
        Decal("back", (0.55, 0.0), (0.5, 0.5), 0.0, LABEL["window"], RED, is_open=True),
        Decal("left", (0.0, 0.0), (0.5, 0.5), 0.0, LABEL["picture"], RED),
        Decal("floor", (0.0, 0.0), (0.8, 0.2), np.pi / 2, LABEL["rug"], RED),
    ],
    solids=[Solid((3.0, 2.0, 0.2), (0.2, 0.2, 0.2), 0.0, LABEL["box"], RED)],
    camera_position=(2.0, 1.0, 1.5),
    camera_yaw=0.0,
    camera_pitch=0.0,
    camera_roll=0.0,
    lights=[(2.0, 2.0, 2.9)],
    ambient=0.4,
)

# World points that the rays aim at, and what is there.
TARGETS = {
    (1.0, 4.0, 1.5): "door",
    (1.45, 4.0, 1.05): "door",
    (1.6, 4.0, 1.5): "wall",
    (2.0, 4.0, 1.5): "wall",
    (2.55, 4.0, 1.5): "window",
    (2.1, 4.0, 1.95): "window",
    (0.0, 2.0, 1.5): "picture",
    (4.0, 2.0, 1.5): "wall",
    (2.0, 2.7, 0.0): "rug",  # turned, it is long in y
    (2.7, 2.0, 0.0): "floor",
    (2.0, 2.0, 3.0): "ceiling",
    (3.0, 2.0, 0.4): "box",
}


def look(scene=SCENE):
    direction = (np.float32(list(TARGETS)) - np.float32(scene.camera_position)).T
    return cast(scene.room, scene.solids, scene.camera_position, list(direction))


def test_labels_of_walls_decals_and_solids():
    label, is_open, *_ = surfaces_of(SCENE, look())
    np.testing.assert_array_equal(label, [LABEL[name] for name in TARGETS.values()])
    np.testing.assert_array_equal(is_open, [name == "window" for name in TARGETS.values()])


def test_coordinates_are_those_of_the_decal():
    *_, (u, v, half_u, half_v) = surfaces_of(SCENE, look())
    np.testing.assert_allclose([u[1], v[1]], [0.45, -0.45], atol=1e-5)
    np.testing.assert_allclose([u[5], v[5]], [-0.45, 0.45], atol=1e-5)
    np.testing.assert_allclose([half_u[1], half_v[1]], [0.5, 0.5])
    np.testing.assert_allclose([half_u[2], half_v[2]], [2.0, 1.5])


def test_a_room_without_solids():
    empty = dataclasses.replace(SCENE, solids=[])
    label, *_ = surfaces_of(empty, look(empty))
    assert LABEL["box"] not in label


def test_light():
    hits = look()
    label, _, *surfaces = surfaces_of(SCENE, hits)
    light = radiance(SCENE, hits, *surfaces)
    assert light.shape == (len(TARGETS), 3) and (light >= 0).all() and (light < 2).all()
    red = light[:, 1] == 0
    albedo, illumination = reflected(SCENE, hits, *surfaces)
    np.testing.assert_array_equal(light, albedo * illumination)
    np.testing.assert_allclose(albedo.max(-1), 0.8, rtol=0.1)
    assert illumination.shape == (len(TARGETS), 1)
    colored = [LABEL[name] for name in ("door", "window", "picture", "rug", "box")]
    np.testing.assert_array_equal(red, np.isin(label, colored))
    # A board under the lamp shades the floor and not the ceiling.
    board = Solid((2.0, 2.0, 2.5), (1.5, 1.5, 0.02), 0.0, LABEL["table"], WHITE)
    shaded = dataclasses.replace(SCENE, solids=[*SCENE.solids, board])
    index = list(TARGETS).index((2.7, 2.0, 0.0))
    hits = look(shaded)
    _, _, *surfaces = surfaces_of(shaded, hits)
    assert (radiance(shaded, hits, *surfaces)[index] < 0.7 * light[index]).all()
