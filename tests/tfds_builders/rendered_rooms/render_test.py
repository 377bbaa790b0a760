import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfds_builders.rendered_rooms import CLASS_NAMES, focal_length, render
from tfds_builders.rendered_rooms.class_names import LABEL
from tfds_builders.rendered_rooms.render import _camera_axes
from tfds_builders.rendered_rooms.scene import sample_scene

SEEDS = range(12)
CHANNELS = {
    "rgb": (3, np.uint8),
    "depth": (1, np.uint16),
    "normal": (3, np.uint8),
    "reshading": (3, np.uint8),
    "depth_euclidean": (1, np.uint16),
    "depth_zbuffer": (1, np.uint16),
    "edge_texture": (1, np.uint16),
    "edge_occlusion": (1, np.uint16),
    "albedo": (3, np.uint8),
    "illumination": (1, np.uint8),
    "radiance": (3, np.uint8),
    "label": (1, np.uint8),
}


@pytest.fixture(scope="module")
def frames():
    return [render(seed) for seed in SEEDS]


def metres(frame):
    """Exact z and the sensor's, in metres; NaN where there is no geometry or a hole."""
    z = frame["depth_zbuffer"][..., 0].astype(float)
    sensor = frame["depth"][..., 0].astype(float)
    return np.where(z == 65535, np.nan, z / 512), np.where(sensor == 0, np.nan, sensor / 1000)


def points(frame):
    """Camera coordinates (x right, y up, z towards the camera) and normals of all pixels."""
    z, _ = metres(frame)
    height, width = z.shape
    focal = focal_length(width)
    x = (np.arange(width) + 0.5 - width / 2) / focal * z
    y = (height / 2 - np.arange(height)[:, None] - 0.5) / focal * z
    return np.stack([x, y, -z], -1), frame["normal"] / 127.5 - 1


@pytest.mark.parametrize(("width", "height"), [(160, 120), (320, 240), (52, 40)])
def test_types_and_shapes(width, height):
    frame = render(3, width, height)
    assert set(frame) == set(CHANNELS)
    for name, (channels, dtype) in CHANNELS.items():
        assert frame[name].shape == (height, width, channels), name
        assert frame[name].dtype == dtype, name


def test_one_seed_gives_one_frame_also_in_another_process(tmp_path):
    frame = render(5)
    for name, array in render(5).items():
        np.testing.assert_array_equal(array, frame[name])
    path = tmp_path / "frame.npz"
    code = "import numpy, tfds_builders.rendered_rooms as rooms;"
    code += f"numpy.savez({str(path)!r}, **rooms.render(5))"
    root = pathlib.Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
    with np.load(path) as other:
        for name, array in frame.items():
            np.testing.assert_array_equal(other[name], array)
    assert not np.array_equal(render(6)["label"], frame["label"])


def test_a_seed_is_one_room_at_every_resolution():
    small, large = render(2, 160, 120), render(2, 320, 240)
    agree = (large["label"][::2, ::2] == small["label"]).mean()
    assert agree > 0.97
    assert np.abs(np.median(large["depth"]) - np.median(small["depth"])) < 60


def test_bad_arguments():
    with pytest.raises(ValueError, match="`seed` must be"):
        render(-1)
    with pytest.raises(ValueError, match="`seed` must be"):
        render(1.5)
    with pytest.raises(ValueError, match="at least 16 pixels"):
        render(0, 8, 120)


def test_sensor_depth_is_the_exact_depth_with_noise(frames):
    for frame in frames:
        exact, sensor = metres(frame)
        error = np.abs(sensor - exact)
        # Four standard deviations and half a step, each growing with the square of the distance.
        bound = 4.5 * (0.0012 + 0.0019 * (exact - 0.4) ** 2) + 0.0035 * exact**2 + 0.003
        seen = np.isfinite(sensor)
        assert seen.mean() > 0.3
        assert (error[seen] < bound[seen]).mean() > 0.999
        assert np.isnan(sensor[np.isnan(exact)]).all()


def test_sensor_has_holes_and_steps_that_grow_with_distance(frames):
    holes = [(frame["depth"] == 0).mean() for frame in frames]
    assert min(holes) > 0.002 and 0.02 < np.mean(holes) < 0.3
    values = np.unique(np.concatenate([frame["depth"].ravel() for frame in frames]))[1:]
    values = values.astype(float)
    step = np.diff(values)
    near, far = step[values[1:] < 1800], step[values[1:] > 4000]
    assert np.median(far) > 3 * np.median(near)


def test_euclidean_and_zbuffer_depth_are_one_geometry(frames):
    for frame in frames:
        z, _ = metres(frame)
        position, _ = points(frame)
        euclidean = frame["depth_euclidean"][..., 0] / 512
        seen = np.isfinite(z)
        length = np.sqrt((position**2).sum(-1))
        np.testing.assert_allclose(euclidean[seen], length[seen], atol=2.5 / 512)
        assert (frame["depth_euclidean"][..., 0][~seen] == 65535).all()


def test_normals_are_those_of_the_depth(frames):
    for frame in frames:
        position, normal = points(frame)
        seen = np.isfinite(position[..., 0])
        np.testing.assert_allclose(np.linalg.norm(normal[seen], axis=-1), 1, atol=0.012)
        assert (frame["normal"][~seen] == 128).all()
        # They face the camera.
        assert ((normal * position).sum(-1)[seen] < 0.02).all()
        # Inside a flat surface the neighbour lies in the tangent plane.
        same = (np.abs(np.diff(normal, axis=1)).max(-1) == 0) & seen[:, 1:] & seen[:, :-1]
        same &= (frame["label"][:, 1:] == frame["label"][:, :-1])[..., 0]
        gap = np.abs((np.diff(position, axis=1) * normal[:, 1:]).sum(-1))
        assert (gap[same] < 0.03).mean() > 0.98


def test_floor_and_ceiling_lie_where_the_labels_say(frames):
    for seed, frame in zip(SEEDS, frames, strict=True):
        scene = sample_scene(np.random.SeedSequence(seed).spawn(3)[0])
        position, _ = points(frame)
        world = position @ _camera_axes(scene) + scene.camera_position
        label = frame["label"][..., 0]
        seen = np.isfinite(position[..., 0])
        size = 2 * np.array(scene.room.half)
        floor = seen & np.isin(label, [LABEL["floor"], LABEL["rug"]])
        np.testing.assert_allclose(world[floor][:, 2], 0, atol=0.01)
        ceiling = seen & (label == LABEL["ceiling"])
        np.testing.assert_allclose(world[ceiling][:, 2], size[2], atol=0.01)
        flush = [LABEL[name] for name in ("wall", "door", "window", "picture")]
        wall = world[seen & np.isin(label, flush)]
        distance = np.minimum(np.abs(wall[:, :2]), np.abs(wall[:, :2] - size[:2])).min(-1)
        np.testing.assert_allclose(distance, 0, atol=0.015)


def test_reshading_is_the_cosine_of_the_normal(frames):
    frame = frames[0]
    shade = frame["reshading"]
    assert (shade[..., 0] == shade[..., 1]).all() and (shade[..., 0] == shade[..., 2]).all()
    position, normal = points(frame)
    distance = np.linalg.norm(position, axis=-1)
    cosine = -(normal * position).sum(-1) / distance
    seen = np.isfinite(distance)
    expected = 255 * np.clip(cosine, 0, 1) / (1 + (distance / 8) ** 2)
    np.testing.assert_allclose(shade[..., 0][seen], expected[seen], atol=2.5)


def test_radiance_is_the_product_of_albedo_and_illumination(frames):
    for frame in frames:
        albedo, light = frame["albedo"] / 255, frame["illumination"] / 255
        product = np.minimum(255 * 2 ** (1 / 2.2) * albedo * light, 255)
        assert np.abs(product - frame["radiance"]).max() < 2


def test_neither_albedo_nor_illumination_says_the_other(frames):
    """A surface of one albedo is lit differently, and what is lit alike has different albedos."""
    spread = {"albedo": [], "illumination": []}
    for frame in frames:
        radiance = frame["radiance"][..., 0].astype(float)
        for name, found in spread.items():
            values = frame[name][..., 0]
            common = np.bincount(values.ravel()).argmax()
            found.append(np.ptp(radiance[values == common]))
    assert np.median(spread["albedo"]) > 40 and np.median(spread["illumination"]) > 40


def test_the_picture_is_the_radiance_with_the_cameras_faults(frames):
    for frame in frames:
        both = [frame[name].astype(float).ravel() for name in ("rgb", "radiance")]
        assert np.corrcoef(both)[0, 1] > 0.9


def flush_borders(frame, names):
    """Pairs of horizontal neighbours, one of a flush class and one of the surface behind it."""
    label = frame["label"][..., 0]
    flush = np.isin(label, [LABEL[name] for name in names])
    behind = np.isin(label, [LABEL["wall"], LABEL["floor"]])
    border = (flush[:, 1:] & behind[:, :-1]) | (behind[:, 1:] & flush[:, :-1])
    seen = np.isfinite(metres(frame)[0])
    return border & seen[:, 1:] & seen[:, :-1]


def test_flush_classes_are_seen_in_rgb_only(frames):
    names = ("door", "window", "picture", "rug")
    occlusion, texture, elsewhere, turned = [], [], [], []
    for frame in frames:
        border = flush_borders(frame, names)
        occlusion.append(frame["edge_occlusion"][:, 1:, 0][border])
        texture.append(frame["edge_texture"][:, 1:, 0][border])
        elsewhere.append(frame["edge_texture"][frame["label"] == LABEL["wall"]])
        turned.append(np.abs(np.diff(frame["normal"].astype(int), axis=1)).max(-1)[border])
    occlusion, texture = np.concatenate(occlusion), np.concatenate(texture)
    # Not all: a rug may reach to below the wall, and another surface may occlude the pixel above.
    assert (np.concatenate(turned) == 0).mean() > 0.9
    assert len(occlusion) > 1000
    assert (occlusion == 0).mean() > 0.9
    assert np.median(texture) > 5 * np.median(np.concatenate(elsewhere))


def test_some_cabinets_wear_the_wall_and_are_seen_best_in_depth():
    # Left borders between cabinet and wall, in rooms where all cabinets are camouflaged
    # and in rooms where none is.
    contrast, step = {True: [], False: []}, {True: [], False: []}
    for seed in range(40):
        scene = sample_scene(np.random.SeedSequence(seed).spawn(3)[0])
        mine = [s for s in scene.solids if s.label == LABEL["cabinet"]]
        hidden = {s.material == scene.surfaces["wall"] for s in mine}
        if len(hidden) != 1:
            continue
        frame = render(seed)
        label = frame["label"][..., 0]
        border = (label[:, 1:] == LABEL["cabinet"]) & (label[:, :-1] == LABEL["wall"])
        key = hidden.pop()
        contrast[key].append(frame["edge_texture"][:, 1:, 0][border])
        step[key].append(frame["edge_occlusion"][:, 1:, 0][border])
    assert len(contrast[True]) >= 5 and len(contrast[False]) >= 5
    contrast, step = ({k: np.concatenate(v) for k, v in x.items()} for x in (contrast, step))
    assert np.median(contrast[True]) < 0.6 * np.median(contrast[False])
    # In depth there is no difference: a step of more than 10 cm, where not the side is seen.
    assert (step[True] > 400).mean() > 0.4 and (step[False] > 400).mean() > 0.4


def test_boxes_and_ottomans_share_their_shape():
    sizes = {"box": [], "ottoman": []}
    for seed in range(60):
        scene = sample_scene(np.random.SeedSequence(seed).spawn(3)[0])
        for solid in scene.solids:
            name = CLASS_NAMES[solid.label]
            if name in sizes and solid.center[2] == pytest.approx(solid.half[2]):
                sizes[name].append(solid.half)
    box, ottoman = (np.array(sizes[name]) for name in ("box", "ottoman"))
    assert len(box) > 20 and len(ottoman) > 20
    np.testing.assert_allclose(box.mean(0), ottoman.mean(0), rtol=0.1)


def test_every_class_occurs_and_shapes_are_large():
    pixels = np.zeros(256, int)
    present = np.zeros(256, int)
    for seed in range(100, 140):
        counts = np.bincount(render(seed)["label"].ravel(), minlength=256)
        pixels += counts
        present += counts > 0
    assert (pixels[len(CLASS_NAMES) :] == 0).all()
    assert (present[: len(CLASS_NAMES)] >= 10).all()
    assert (pixels[: len(CLASS_NAMES)] / pixels.sum() > 0.008).all()


def test_exposure_varies(frames):
    brightness = [frame["rgb"].mean() for frame in frames]
    assert min(brightness) < 90 and max(brightness) > 130


def test_open_windows_have_no_geometry():
    for seed in range(60):
        scene = sample_scene(np.random.SeedSequence(seed).spawn(3)[0])
        if any(decal.is_open and decal.surface == "back" for decal in scene.decals):
            break
    frame = render(seed)
    nothing = frame["depth_zbuffer"] == 65535
    assert nothing.any()
    assert (frame["label"][nothing] == LABEL["window"]).all()
    assert (frame["depth"][nothing] == 0).all() and (
        frame["depth_euclidean"][nothing] == 65535
    ).all()


def test_edges_are_within_their_range(frames):
    for frame in frames:
        assert 1000 < frame["edge_texture"].max() <= 11355
        assert 500 < frame["edge_occlusion"].max() <= 11584
