import itertools

import numpy as np

from tfds_builders.rendered_rooms.class_names import CLASS_NAMES, LABEL
from tfds_builders.rendered_rooms.scene import sample_scene


def test_one_seed_is_one_scene():
    assert sample_scene(7) == sample_scene(7)
    assert sample_scene(7) != sample_scene(8)


def test_everything_is_inside_the_room():
    for seed in range(30):
        scene = sample_scene(seed)
        size = 2 * np.array(scene.room.half)
        for solid in scene.solids:
            c, s = abs(np.cos(solid.yaw)), abs(np.sin(solid.yaw))
            x, y, z = solid.half
            half = np.array([c * x + s * y, s * x + c * y, z])
            # A box on a small table may reach over its edge, but never through a wall by much.
            assert (np.array(solid.center) - half > -0.15).all(), (seed, CLASS_NAMES[solid.label])
            assert (np.array(solid.center) + half < size + 0.15).all()
        assert (np.array(scene.camera_position) < size).all()


def test_windows_doors_and_pictures_on_one_wall_do_not_overlap():
    for seed in range(30):
        scene = sample_scene(seed)
        for wall in ("left", "right", "back"):
            mine = sorted((d.center[0], d.half[0]) for d in scene.decals if d.surface == wall)
            ends = [(a - h, a + h) for a, h in mine]
            assert all(first[1] < second[0] for first, second in itertools.pairwise(ends))


def test_all_flush_classes_occur():
    labels = {decal.label for seed in range(20) for decal in sample_scene(seed).decals}
    assert labels == {LABEL[name] for name in ("wall", "door", "window", "picture", "rug")}
