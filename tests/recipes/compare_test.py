import json

import pytest

from recipes.compare import compare, read_results, table
from recipes.segmentation.task import Segmentation
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
    lines = table(Segmentation(tiny_config(tmp_path)), records).splitlines()
    assert lines[2] == "| rgb alone | 60.0 ± 10.0 | 60.0 ± 10.0 | 60.0 ± 10.0 |"
    assert lines[5] == "| asymmetric_fusion: ensemble | 30.0 ± 0.0 | 30.0 ± 0.0 | 30.0 ± 0.0 |"
    assert "3 seeds; single scale, test split; 7 images" in lines[-1]


@pytest.mark.parametrize(("variants", "seeds"), [(["cen"], [0]), ([], [0]), (["rgb"], [])])
def test_unknown_variant(variants, seeds, tmp_path):
    with pytest.raises(ValueError, match=r"`variants` must be some of"):
        compare(Segmentation(tiny_config(tmp_path)), tmp_path, variants, seeds)


def test_variants_share_all_but_inputs_fusion_and_seed(tmp_path):
    task = Segmentation(tiny_config(tmp_path))
    single, fused = task.variant("depth", 3).config, task.variant("asymmetric_fusion", 4).config
    assert (single.inputs, single.fusion.name) == (("depth",), "private_normalization")
    assert (fused.inputs, fused.fusion.name) == (("rgb", "depth"), "asymmetric_fusion")
    assert (single.seed, fused.seed, task.config.seed) == (3, 4, 0)
