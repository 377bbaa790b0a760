import re

import numpy as np
import pytest

from recipes.comparison_table import NOTHING, table
from recipes.image_translation.task import ImageTranslation
from recipes.segmentation.task import Segmentation
from tests.recipes.image_translation import tiny as tiny_translation
from tests.recipes.segmentation.tiny import tiny_config

TASK = Segmentation(tiny_config("nowhere"))
NONE = " | ".join([NOTHING] * 3)
COST = {
    "trainable_parameters": 11_700_000,
    "macs": 1_814_000_000,
    "milliseconds": 123.4,
    "size": [48, 64],
    "device": "CPU with 2 cores",
}


def record(cost=None, **scores):
    metrics = ("pixel accuracy", "mean accuracy", "mean IoU")
    results = {output: dict.fromkeys(metrics, score) for output, score in scores.items()}
    found = {"protocol": "single scale, test split", "images": 7, "results": results}
    return found if cost is None else {**found, "cost": cost}


def alone(*scores):
    return {seed: record(rgb=x, ensemble=x) for seed, x in enumerate(scores)}


def test_mean_and_spread_over_the_seeds():
    fused = {seed: record(rgb=0.1, depth=0.2, ensemble=0.3) for seed in range(3)}
    records = {"rgb": alone(0.5, 0.6, 0.7), "asymmetric_fusion": fused}
    lines = table(TASK, records).splitlines()
    assert lines[0] == (
        "| network | pixel accuracy | mean accuracy | mean IoU | mean IoU - rgb | M parameters | "
        "GMACs | ms | runs |"
    )
    assert lines[2] == "| rgb alone |" + " 60.0 ± 10.0 |" * 3 + f" baseline | {NONE} | 3 |"
    assert [line.split(" | ")[0] for line in lines[3:6]] == [
        "| asymmetric_fusion: rgb",
        "| asymmetric_fusion: depth",
        "| asymmetric_fusion: ensemble",
    ]
    figures = " 30.0 ± 0.0 |" * 3 + f" -30.0 ± 5.8 | {NONE} | 3 |"
    assert lines[5] == f"| asymmetric_fusion: ensemble |{figures}"
    assert "standard deviation over the runs; single scale, test split; 7 images." in lines[7]


def test_a_network_that_merges_has_one_row_without_branches():
    lines = table(TASK, {"concatenation": {0: record(ensemble=0.25)}}).splitlines()
    assert lines[2] == f"| concatenation | 25.0 | 25.0 | 25.0 | {NONE} | 1 |"
    assert lines[3] == "" and "standard deviation" not in lines[4]


def test_with_one_input_a_strategy_has_its_branch_alone():
    lines = table(TASK, {"channel_exchanging": alone(0.5)}).splitlines()
    assert lines[2].startswith("| channel_exchanging: rgb | 50.0 |") and lines[3] == ""


def test_costs_are_those_of_the_runs_that_have_them():
    runs = {0: record(COST, ensemble=0.5), 1: record(ensemble=0.5)}
    runs[2] = record({**COST, "milliseconds": 1.5}, ensemble=0.5)
    text = table(TASK, {"concatenation": runs})
    assert text.splitlines()[2].endswith("| 11.7 | 1.81 | 62.5 | 3 |")
    assert "one image of 48x64" in text and "on CPU with 2 cores" in text


def test_macs_that_were_not_counted():
    text = table(TASK, {"concatenation": {0: record({**COST, "macs": None}, ensemble=0.5)}})
    assert text.splitlines()[2].endswith(f"| 11.7 | {NOTHING} | 123 | 1 |")


def test_differences_are_paired_by_seed():
    # By hand: 5, 15 and 10 points over seeds 0, 1, 2; standard error 5 / sqrt(3).
    fused = {s: record(rgb=0.1, depth=0.4, ensemble=x) for s, x in enumerate((0.55, 0.75, 0.8))}
    records = {"rgb": alone(0.5, 0.6, 0.7), "channel_exchanging": fused}
    lines = table(TASK, records, "rgb").splitlines()
    column = lines[0].split(" | ").index("mean IoU - rgb")
    cells = [line.split(" | ")[column] for line in lines[2:6]]
    assert cells == ["baseline", "-50.0 ± 5.8", "-20.0 ± 5.8", "+10.0 ± 2.9"]
    assert "standard error over the seeds that both have" in lines[8]


def test_the_best_input_alone_is_the_baseline():
    records = {"rgb": alone(0.5), "depth": alone(0.6), "averaging": {0: record(ensemble=0.7)}}
    lines = table(TASK, records).splitlines()
    assert "| mean IoU - depth |" in lines[0] and "| +10.0 |" in lines[4]


def test_errors_over_images_and_machines_are_said():
    # Two images: of the first both find all, of the second one finds half and one all.
    half, whole = np.array([[4, 0, 4, 0], [2, 0, 4, 0]]), np.array([[4, 0, 4, 0], [4, 0, 4, 0]])
    first, second = record(ensemble=0.75), record(ensemble=1.0)
    first |= {"by_image": {"ensemble": half}, "machine": "a CPU"}
    second |= {"by_image": {"ensemble": whole}, "machine": "a GPU"}
    text = table(TASK, {"rgb": {0: first}, "averaging": {0: second}})
    # 0, 1 or 2 of the images drawn are the second: by 0, 25 or 50 points; deviation 25 / sqrt(2).
    found = re.search(r"\+25.0, (\d+\.\d) ", text)
    assert abs(float(found[1]) - 17.7) < 0.8
    assert "Trained on a CPU / a GPU." in text and "(bootstrap)" in text


def test_a_difference_counts_the_seeds_that_both_have():
    records = {
        "rgb": alone(0.5, 0.6),
        "concatenation": {1: record(ensemble=0.7), 2: record(ensemble=0.1)},
        "averaging": {5: record(ensemble=0.5)},
    }
    lines = table(TASK, records, "rgb").splitlines()
    column = lines[0].split(" | ").index("mean IoU - rgb")
    assert [line.split(" | ")[column] for line in lines[3:5]] == ["+10.0 (1 of 2)", NOTHING]
    assert [line.split(" | ")[-1] for line in lines[2:5]] == ["2 |", "2 |", "1 |"]


def test_a_variant_without_a_run_has_a_row():
    records = {"rgb": alone(0.5), "channel_exchanging": {}}
    lines = table(TASK, records, "rgb").splitlines()
    assert lines[3] == "| channel_exchanging |" + f" {NOTHING} |" * 7 + " 0 |"
    with pytest.raises(ValueError, match="must be a finished run"):
        table(TASK, {"rgb": {}})


def test_the_main_metric_of_translation_is_its_error():
    def run(error, **more):
        results = {"ensemble": {"MAE": error, "MSE": 0.0, "PSNR": 1.0, "SSIM": 0.5, **more}}
        return {"protocol": "here", "images": 3, "results": results}

    task = ImageTranslation(tiny_translation.tiny_config("nowhere"))
    records = {"averaging": {0: run(0.25)}, "concatenation": {0: run(0.125, FID=20.0)}}
    lines = table(task, records, "averaging").splitlines()
    assert lines[0].startswith("| network | MAE | MSE | PSNR | SSIM | FID | MAE - averaging |")
    assert lines[3].startswith("| concatenation | 0.1250 | 0.0000 | 1.00 | 0.500 | 20.0 | -0.1250")
    assert lines[2].split(" | ")[5:7] == [NOTHING, "baseline"]


def test_an_unknown_baseline():
    with pytest.raises(ValueError, match=r"`baseline` must be one of the variants \['rgb'\]"):
        table(TASK, {"rgb": alone(0.5)}, "depth")
