"""The presets that are released with the project: whole, small, and answering raw images."""

import json
import pathlib

import numpy as np
import pytest

from keras_asym import models
from keras_asym.models.presets import check_preset

FOLDER = pathlib.Path(__file__).parents[1] / "presets"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/task.json"))
MEGABYTES = 10
SIZE = (32, 64)


def test_six_presets_are_released():
    assert len(NAMES) >= 6
    listed = (FOLDER / "README.md").read_text()
    assert all(f"({name}/README.md)" in listed for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_whole_and_says_where_it_is_from(name):
    metadata = check_preset(FOLDER / name)
    size = sum(path.stat().st_size for path in (FOLDER / name).iterdir())
    assert size <= MEGABYTES * 1e6
    recipe = metadata["recipe"]
    assert metadata["license"] == "Apache-2.0"
    assert len(recipe["seeds"]) >= 3
    assert recipe["config"]["data"]["data_dir"] == "" and recipe["data"]["path"] == ""
    assert "/" not in json.dumps(recipe["config"]["data"].get("root", ""))


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_answers_raw_images(name):
    task = json.loads((FOLDER / name / "task.json").read_text())
    model = getattr(models, task["class_name"]).from_preset(FOLDER / name)
    metadata = check_preset(FOLDER / name)
    rng = np.random.default_rng(0)
    raw = {}
    for sensor, converter in model.preprocessor.converters.items():
        dtype = metadata["sensors"][sensor]
        largest = np.iinfo(dtype).max if dtype == "uint8" else 5000
        raw[sensor] = rng.integers(1, largest, (1, *SIZE, converter.channels)).astype(dtype)
    for value in model(raw, training=False).values():
        assert value.shape[:3] == (1, *SIZE)
        assert np.isfinite(np.asarray(value)).all()
