import json

import pytest

from recipes import config as configs
from recipes import preset
from recipes.segmentation.configs import rendered_rooms
from recipes.segmentation.task import Segmentation

PROTOCOL = "single scale, test split"


def write_run(folder, seed, value, protocol=PROTOCOL, **changes):
    config = rendered_rooms.get_config()
    config.seed = seed
    for name, changed in changes.items():
        config[name] = changed
    folder.mkdir()
    (folder / "config.json").write_text(configs.to_json(config))
    results = {"ensemble": {"mean IoU": value}}
    (folder / "results.json").write_text(json.dumps({"protocol": protocol, "results": results}))
    return Segmentation(config)


def test_the_runs_that_differ_by_their_seed_alone(tmp_path):
    task = write_run(tmp_path / "channel_exchanging_0", 0, 0.5)
    write_run(tmp_path / "channel_exchanging_1", 1, 0.6)
    write_run(tmp_path / "channel_exchanging_2", 2, 0.7, batch_size=3)
    write_run(tmp_path / "channel_exchanging_3", 3, 0.8, protocol="multi-scale, test split")
    write_run(tmp_path / "asymmetric_fusion_1", 1, 0.9)
    (tmp_path / "channel_exchanging_4").mkdir()  # not finished
    found = preset.by_seed(tmp_path / "channel_exchanging_0", task, PROTOCOL)
    assert found == {0: 0.5, 1: 0.6}


@pytest.mark.parametrize("name", ["mine", "mine_first"])
def test_a_run_of_no_comparison(tmp_path, name):
    task = write_run(tmp_path / name, 0, 0.5)
    assert preset.by_seed(tmp_path / name, task, PROTOCOL) == {}
