"""The renderer does not change under one version: what was built stays what would be built."""

import numpy as np
import pytest

from tests.tfds_builders.rendered_rooms import golden_pixels
from tfds_builders.rendered_rooms import materials, render, sensors
from tfds_builders.rendered_rooms.rendered_rooms_dataset_builder import Builder

# Of the values of each kind of pixels and each domain. Other machines' last bits of floats flip the
# rounding of fewer.
_EQUAL = 0.95
_WHAT_TO_DO = (
    "Raise `VERSION` of rendered_rooms (and say why in `RELEASE_NOTES`), then run "
    "`python -m tests.tfds_builders.rendered_rooms.golden_pixels`; the figures that were measured "
    "on rendered_rooms (README, docs) must be measured anew. If nobody touched the renderer, NumPy "
    "draws other random numbers: then, too."
)


@pytest.fixture(scope="module")
def golden():
    with np.load(golden_pixels.PATH) as file:
        return dict(file)


def other_pixels(golden):
    """`{(domain, kind): share of equal values}` where too few are."""
    size = golden_pixels.WIDTH, golden_pixels.HEIGHT
    frames = [render(seed, *size) for seed in golden_pixels.SEEDS]
    seed, y, x = golden["places"].T
    found = {}
    for name in frames[0]:
        equal = np.stack([f[name] for f in frames])[seed, y, x] == golden[f"domain_{name}"]
        for kind in np.unique(golden["kind"]):
            share = equal[golden["kind"] == kind].mean()
            if share < _EQUAL:
                found[name, str(kind)] = round(float(share), 3)
    return found


def test_the_renderer_has_the_version_of_its_pixels(golden):
    assert str(golden["version"]) == str(Builder.VERSION), (
        "the version was raised: run `python -m tests.tfds_builders.rendered_rooms.golden_pixels`"
    )
    assert {name[7:] for name in golden if name.startswith("domain_")} == set(render(0, 16, 16))
    found = other_pixels(golden)
    assert not found, f"the renderer gives other pixels. {_WHAT_TO_DO} {found}"


def test_small_changes_are_seen(golden, monkeypatch):
    taped = materials.TEXTURES["taped"]
    monkeypatch.setitem(materials.TEXTURES, "taped", lambda *where: 1.02 * taped(*where))
    assert ("rgb", "box") in other_pixels(golden)
    monkeypatch.undo()
    monkeypatch.setattr(sensors, "_BASELINE", 1.01 * sensors._BASELINE)
    assert {domain for domain, _ in other_pixels(golden)} == {"depth"}
