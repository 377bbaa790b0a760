import json

import pytest

from recipes.comparison import read_results
from recipes.segmentation.compare import compare, comparison_table
from tests.recipes.segmentation.tiny import tiny_config


def write_results(folder, **scores):
    folder.mkdir(parents=True)
    metrics = ("pixel accuracy", "mean accuracy", "mean IoU")
    results = {output: dict.fromkeys(metrics, score) for output, score in scores.items()}
    record = {"protocol": "single scale, test split", "images": 7, "results": results}
    (folder / "results.json").write_text(json.dumps(record))


def test_the_table_has_mean_and_spread(tmp_path):
    for seed, score in enumerate((0.5, 0.6, 0.7)):
        write_results(tmp_path / f"rgb_{seed}", rgb=score, ensemble=score)
        write_results(tmp_path / f"asymmetric_fusion_{seed}", rgb=0.1, depth=0.2, ensemble=0.3)
    records = read_results(tmp_path, ["rgb", "asymmetric_fusion"], (0, 1, 2))
    table = comparison_table(records).splitlines()
    assert table[2] == "| rgb alone | 60.0 ± 10.0 | 60.0 ± 10.0 | 60.0 ± 10.0 |"
    assert table[5] == "| asymmetric_fusion: ensemble | 30.0 ± 0.0 | 30.0 ± 0.0 | 30.0 ± 0.0 |"
    assert "3 seeds; single scale, test split; 7 images" in table[-1]


def test_unknown_variant(tmp_path):
    with pytest.raises(ValueError, match=r"`variants` must be some of.*'cen'"):
        compare(tiny_config(tmp_path), tmp_path, ["cen"], [0])


def test_finished_runs_are_not_repeated(tmp_path):
    write_results(tmp_path / "depth_3", depth=0.25, ensemble=0.25)
    table = compare(tiny_config(tmp_path), tmp_path, ["depth"], [3])
    assert "| depth alone | 25.0 | 25.0 | 25.0 |" in table
    assert (tmp_path / "comparison.md").read_text() == table + "\n"
