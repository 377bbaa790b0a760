"""What holds for every corruption."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from recipes.segmentation.corruptions import (
    SEVERITIES,
    Sensor,
    corrupt,
    corruptions_of,
    find,
    register,
    registry,
)
from tests.recipes.segmentation.corruptions.scenes import FRAMES, SENSORS, frames

ALL = [(kind, c.name) for kind in SENSORS for c in corruptions_of(kind)]


def at_every_severity(kind, name, dtype=None, frames_at=range(FRAMES), sensor=None):
    images = frames(kind, dtype)
    sensor = sensor or SENSORS[kind]
    return images, [
        [corrupt(images, index, sensor, name, severity) for index in frames_at]
        for severity in SEVERITIES
    ]


def test_ten_of_depth_ten_of_rgb_four_of_any():
    names = {kind: [c.name for c in corruptions_of(kind)] for kind in SENSORS}
    assert names == {
        "depth": [
            "holes",
            "quantization",
            "range_cut",
            "multipath",
            "flying_pixels",
            "misregistration",
            "scale_error",
            "dropout_lines",
            "lag",
            "stuck",
        ],
        "rgb": [
            "noise",
            "blur",
            "exposure",
            "fog",
            "rain",
            "occlusion",
            "saturation",
            "colour_cast",
            "compression",
            "dead_rows",
        ],
        "generic": ["noise", "dropout", "shift", "freeze"],
    }
    assert all(c.summary for kind in SENSORS for c in corruptions_of(kind))


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_the_distance_grows_with_the_severity_and_bytes_are_kept(kind, name):
    images, found = at_every_severity(kind, name)
    distances = []
    for severity in found:
        for image in severity:
            assert image.dtype == images[0].dtype and image.shape == images[0].shape
        difference = np.stack(severity).astype(float) - np.stack(images)
        distances.append(np.abs(difference).mean())
    assert distances[0] > 0
    assert (np.diff(distances) > 0).all(), distances
    again = at_every_severity(kind, name)[1]
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize(("kind", "name"), [pair for pair in ALL if pair[0] != "rgb"])
def test_holes_are_holes_and_nothing_else_is(kind, name):
    """With a value of a hole amid the others, which faults pass by."""
    images = frames(kind)
    marker = int(np.median(images[0]))
    for image in images:  # what was a hole has the new marker, and nothing else has it
        image[image == marker] += 1
        image[image == 0] = marker
    sensor = Sensor(kind, SENSORS[kind].kind, SENSORS[kind].scale, marker)
    corruption = find(kind, name)
    for severity in SEVERITIES:
        if corruption.of_time:
            assert any(
                (corrupt(images, 7, sensor, name, severity) == image).all() for image in images
            )
            continue
        values, hole, _ = sensor.read(images[7])
        _, expected = corruption.function(
            values, hole, severity, registry.Draws(0, sensor.name, name, frame=7)
        )
        found = corrupt(images, 7, sensor, name, severity)
        np.testing.assert_array_equal(found[..., 0] == marker, expected)


@pytest.mark.parametrize(("kind", "name"), ALL)
@pytest.mark.parametrize("dtype", ["float32", "uint16", "float16"])
def test_other_dtypes_are_kept_and_ranges_respected(kind, name, dtype):
    if kind == "generic" and dtype == "float16":
        pytest.skip("its values go to 30000, where float16 has steps of 16")
    sensor = SENSORS[kind]
    images = frames(kind, dtype)
    for severity in (1, 5):
        found = corrupt(images, 5, sensor, name, severity)
        assert found.dtype == dtype and np.isfinite(found).all()
        if kind == "rgb":
            assert found.min() >= 0 and found.max() <= 255
        if kind == "depth":
            assert found.min() >= 0
    assert (found != images[5]).any()


def test_seed_sensor_and_frame_draw_other_numbers():
    images, sensor = frames("generic"), SENSORS["generic"]
    first = corrupt([images[0]] * 2, 0, sensor, "noise", 3)
    others = [
        corrupt([images[0]] * 2, 0, sensor, "noise", 3, seed=1),
        corrupt([images[0]] * 2, 1, sensor, "noise", 3),
        corrupt([images[0]] * 2, 0, Sensor("other", "generic", 300.0, 0), "noise", 3),
    ]
    for other in others:
        assert (other != first).mean() > 0.9


DIGESTS = {
    "depth": "22dee2db851637d0",
    "rgb": "f8ac70c43fe87c9f",
    "generic": "4dfa6a7f9c053c62",
}


def digest(kind):
    whole = hashlib.sha256()
    images = frames(kind)
    for corruption in corruptions_of(kind):
        for severity in SEVERITIES:
            image = corrupt(images, 9, SENSORS[kind], corruption.name, severity, seed=3)
            whole.update(image.tobytes())
    return whole.hexdigest()[:16]


@pytest.mark.parametrize("kind", SENSORS)
def test_the_bytes_are_those_of_every_machine(kind):
    """If a corruption is changed on purpose, `digest` says the new one."""
    assert digest(kind) == DIGESTS[kind]


def test_the_package_needs_neither_tensorflow_nor_opencv():
    code = "import sys, recipes.segmentation.corruptions as c; print([m for m in "
    code += "('tensorflow', 'keras', 'cv2', 'scipy', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def lamp_off(monkeypatch):
    monkeypatch.setattr(registry, "_KNOWN", dict(registry._KNOWN))

    @register("infrared", "lamp_off")
    def lamp_off(values, hole, severity, draws):
        """The lamp gives less light."""
        return values * (1 - severity / 5), hole

    return lamp_off


def test_a_kind_and_corruption_of_ones_own(lamp_off):
    assert [c.name for c in corruptions_of("sonar")] == ["noise", "dropout", "shift", "freeze"]
    mine, *others = corruptions_of("infrared")
    assert [c.name for c in others] == ["noise", "dropout", "shift", "freeze"]
    assert (mine.name, mine.summary) == ("lamp_off", "The lamp gives less light.")
    image = np.full((4, 6, 1), 200, "uint8")
    sensor = Sensor("infrared", "infrared", 50.0)
    found = corrupt([image], 0, sensor, "lamp_off", 4)
    assert found.dtype == "uint8" and (found == 40).all()
    assert find("infrared", "noise").kind == "generic"
    with pytest.raises(ValueError, match="must be new for the kind 'infrared'"):
        register("infrared", "lamp_off")(lambda *_: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "snow"}, "must be a corruption of 'rgb' sensors: noise, blur.*'snow'"),
        ({"severity": 6}, r"`severity` must be one of \(1, 2, 3, 4, 5\)"),
        ({"seed": -1}, "`seed` must be a non-negative integer"),
        ({"seed": 1.5}, "`seed` must be a non-negative integer"),
    ],
)
def test_wrong_arguments(arguments, message):
    given = {"name": "noise", "severity": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        corrupt(frames("rgb"), 0, SENSORS["rgb"], **given)


def test_names_have_no_slash():
    with pytest.raises(ValueError, match="must be names"):
        register("a/b", "c")
