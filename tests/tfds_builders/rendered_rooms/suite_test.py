import functools

import numpy as np
import pytest

from tfds_builders.rendered_rooms import CLASS_NAMES, render, render_sensors
from tfds_builders.rendered_rooms.conditions import CONDITIONS
from tfds_builders.rendered_rooms.suite import DEAD, FAILURES, SENSORS

SEEDS = (5, 8, 11)
CHANNELS = {
    "rgb": (3, np.uint8),
    "depth": (1, np.uint16),
    "thermal": (1, np.uint16),
    "event": (1, np.uint8),
    "normal": (3, np.uint8),
    "infrared": (1, np.uint8),
    "label": (1, np.uint8),
}


@functools.cache
def frame(seed, condition, failure="none"):
    return render_sensors(seed, 96, 72, condition, failure)


def frames(condition):
    return [frame(seed, condition) for seed in SEEDS]


def separated(images, labels):
    """Share of the spread of an image that is between classes: 0 sees nothing, 1 sees all."""
    found = []
    for image, label in zip(images, labels, strict=True):
        values = image.astype(float).mean(-1)
        means = np.zeros(values.shape)
        for index in np.unique(label):
            means[label == index] = values[label == index].mean()
        found.append(means.var() / max(values.var(), 1e-9))
    return np.mean(found)


def sees(condition, name):
    found = frames(condition)
    return separated([f[name] for f in found], [f["label"][..., 0] for f in found])


@pytest.mark.parametrize("condition", CONDITIONS)
def test_types_and_shapes(condition):
    found = frame(5, condition)
    assert set(found) == {*CHANNELS, "condition", "failure", "present"}
    for name, (channels, dtype) in CHANNELS.items():
        assert found[name].shape == (72, 96, channels) and found[name].dtype == dtype, name
    assert (found["condition"], found["failure"]) == (condition, "none")
    assert found["present"].dtype == bool and found["present"].all()


def test_the_room_is_that_of_the_other_configurations():
    for seed in SEEDS:
        np.testing.assert_array_equal(frame(seed, "dark")["label"], render(seed, 96, 72)["label"])


def test_one_seed_gives_one_frame():
    first, second = (render_sensors(6, 32, 24) for _ in range(2))
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value)
    assert not np.array_equal(render_sensors(11, 32, 24)["rgb"], first["rgb"])


def test_conditions_follow_one_another_and_a_quarter_fails():
    found = [render_sensors(seed, 16, 16) for seed in range(60)]
    assert [f["condition"] for f in found] == list(CONDITIONS) * 12
    failed = [f["failure"] for f in found if f["failure"] != "none"]
    assert 6 <= len(failed) <= 25 and set(failed) <= set(FAILURES)
    for f in found:
        assert f["present"].sum() >= len(SENSORS) - 1
        for name, present in zip(SENSORS, f["present"], strict=True):
            assert (f["failure"] == name) == (not present)


@pytest.mark.parametrize("name", SENSORS)
def test_a_failed_sensor_is_dead_and_the_others_are_as_ever(name):
    dead, alive = frame(5, "light", name), frame(5, "light")
    assert (dead[name] == DEAD[name]).all() and (alive[name] != DEAD[name]).any()
    assert dead["present"].tolist() == [other != name for other in SENSORS]
    for other in (*SENSORS, "label"):
        if other != name:
            np.testing.assert_array_equal(dead[other], alive[other])


def test_rgb_dies_in_the_dark_and_infrared_and_thermal_do_not():
    assert sees("light", "rgb") > 3 * sees("dark", "rgb")
    assert max(f["rgb"].mean() for f in frames("dark")) < 40
    for name in ("infrared", "thermal", "depth"):
        assert sees("dark", name) > 0.8 * sees("light", name), name


def test_fog_blinds_rgb_more_than_thermal():
    lost = {
        name: np.mean([f[name].astype(float).std() for f in frames("fog")])
        / np.mean([f[name].astype(float).std() for f in frames("light")])
        for name in ("rgb", "thermal")
    }
    assert lost["rgb"] < 0.8 * lost["thermal"] and lost["thermal"] < 1, lost


def holes(condition, name="depth"):
    return np.mean([(f[name] == DEAD[name]).all(-1).mean() for f in frames(condition)])


def test_depth_and_normals_have_holes_in_fog_dust_and_glare_and_not_in_the_dark():
    for name in ("depth", "normal"):
        assert holes("dark", name) == pytest.approx(holes("light", name), abs=1e-9)
        for condition in ("fog", "dust", "glare"):
            assert holes(condition, name) > holes("light", name) + 0.003, (name, condition)
    assert holes("fog") > holes("dust") > 0.1 and holes("fog") < 0.9


def test_dust_sends_light_back_early():
    for seed in SEEDS:
        clear, dusty = (frame(seed, c)["depth"][..., 0].astype(int) for c in ("light", "dust"))
        both = (clear > 0) & (dusty > 0)
        early = clear[both] - dusty[both] > 100
        assert 0.02 < early.mean() < 0.5
        assert (dusty[both] <= clear[both] + 100).all()


def test_glare_saturates_what_sees_light():
    for seed in SEEDS:
        bright = frame(seed, "glare")["rgb"].min(-1) == 255
        assert 0.002 < bright.mean() < 0.6
        assert (frame(seed, "glare")["infrared"][..., 0][bright] > 150).any()
        np.testing.assert_array_equal(
            frame(seed, "glare")["thermal"], frame(seed, "light")["thermal"]
        )


def test_temperatures_are_of_the_class_with_offsets_and_noise():
    celsius = {name: [] for name in CLASS_NAMES}
    for seed in range(24):
        found = render_sensors(seed, 48, 36, "light", "none")
        for index, name in enumerate(CLASS_NAMES):
            values = found["thermal"][found["label"] == index] / 100 - 273.15
            if len(values) > 8:
                celsius[name].append(np.median(values))
    means = {name: np.mean(values) for name, values in celsius.items() if values}
    assert means["window"] < means["floor"] < means["wall"] < means["sofa"] < means["lamp"]
    assert 0.4 < np.std(celsius["wall"]) < 2.5  # one temperature is not one class


def test_infrared_falls_with_the_distance():
    """The lamp is the camera's own."""
    near, far = [], []
    for seed in range(6):
        found, depth = frame(seed, "dark"), render(seed, 96, 72)["depth_euclidean"][..., 0] / 512
        floor = found["label"][..., 0] == CLASS_NAMES.index("floor")
        low, high = np.quantile(depth[floor], (0.25, 0.75))
        near.append(np.mean(found["infrared"][..., 0][floor & (depth <= low)]))
        far.append(np.mean(found["infrared"][..., 0][floor & (depth >= high)]))
    assert (np.array(near) > 1.1 * np.array(far)).all()


def test_events_are_where_the_light_changes_and_noise_in_the_dark():
    light, dark = (np.stack([f["event"] for f in frames(c)]) for c in ("light", "dark"))
    assert 0.02 < (light != 128).mean() < 0.4
    assert (dark != 128).mean() > 2 * (light != 128).mean()
    assert light.min() > 0  # which a failed sensor sends


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "`seed` must be"),
        ({"width": 8}, "at least 16 pixels"),
        ({"condition": "rain"}, "`condition` must be one of .*'rain'"),
        ({"failure": "radar"}, "`failure` must be one of .*'radar'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        render_sensors(**{"seed": 0, **arguments})
