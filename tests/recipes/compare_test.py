import json

import pytest

from recipes import compare as program
from recipes.compare import compare, tabulate
from recipes.comparison_table import NOTHING
from recipes.fusions import FUSIONS, OF_ONE_NETWORK
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.tiny import tiny_config


def write_results(folder, **scores):
    folder.mkdir(parents=True)
    metrics = ("pixel accuracy", "mean accuracy", "mean IoU")
    results = {output: dict.fromkeys(metrics, score) for output, score in scores.items()}
    record = {"protocol": "single scale, test split", "images": 7, "results": results}
    (folder / "results.json").write_text(json.dumps(record))


@pytest.fixture
def task(tmp_path):
    return Segmentation(tiny_config(tmp_path))


@pytest.fixture
def folder(tmp_path):
    """Runs of three variants, of which not all seeds are finished, as version 0.1 wrote them."""
    for seed, score in enumerate((0.5, 0.6, 0.7)):
        write_results(tmp_path / f"rgb_{seed}", rgb=score, ensemble=score)
    write_results(tmp_path / "channel_exchanging_1", rgb=0.1, depth=0.2, ensemble=0.3)
    write_results(tmp_path / "depth_12", depth=0.1, ensemble=0.1)
    (tmp_path / "channel_exchanging_2").mkdir()  # begun
    write_results(tmp_path / "rgb_old", rgb=0.1, ensemble=0.1)  # of somebody else
    return tmp_path


def cells(text, column):
    """`{first cell: cell}` of a table."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if "|" in line]
    number = lines[0].index(column)
    return {line[0]: line[number] for line in lines[2:]}


def test_the_table_of_the_runs_that_lie_in_a_folder(task, folder):
    text = tabulate(task, folder)
    assert (folder / "comparison.md").read_text() == text + "\n"
    assert cells(text, "runs") == {
        "rgb alone": "3",
        "depth alone": "1",
        "channel_exchanging: rgb": "1",
        "channel_exchanging: depth": "1",
        "channel_exchanging: ensemble": "1",
    }
    assert set(cells(text, "GMACs").values()) == {NOTHING}
    assert cells(text, "mean IoU")["rgb alone"] == "60.0 ± 10.0"
    assert text == tabulate(task, folder, ["all"])


def test_the_table_of_some_variants_and_seeds_in_the_order_asked_for(task, folder):
    asked = ["asymmetric_fusion", "depth", "rgb"]
    text = tabulate(task, folder, asked, (0, 1), baseline="rgb")
    runs = {"asymmetric_fusion": "0", "depth alone": "0", "rgb alone": "2"}
    assert cells(text, "runs") == runs and list(cells(text, "runs")) == list(runs)
    assert cells(text, "mean IoU - rgb")["rgb alone"] == "baseline"


def test_the_table_from_the_command_line(task, folder, capsys):
    config = folder / "mine.py"
    config.write_text("from recipes.segmentation.configs.rendered_rooms import get_config")
    arguments = [f"--config={config}", f"--workdir={folder}", "--table_only", "--baseline=rgb"]
    program.main(Segmentation, arguments)
    shown = cells(capsys.readouterr().out, "mean IoU - rgb")
    assert shown["channel_exchanging: ensemble"] == "-30.0"


def test_a_folder_without_a_run(task, tmp_path):
    with pytest.raises(ValueError, match="must be a finished run"):
        tabulate(task, tmp_path)


@pytest.mark.parametrize(("variants", "seeds"), [(["cen"], [0]), ([], [0]), (["rgb"], [])])
def test_unknown_variant(variants, seeds, task, tmp_path):
    with pytest.raises(ValueError, match=r"`variants` must be some of"):
        compare(task, tmp_path, variants, seeds)


def test_an_unknown_baseline_ends_before_any_work(task, tmp_path):
    with pytest.raises(ValueError, match=r"`baseline` must be one of the variants \['rgb'\]"):
        compare(task, tmp_path, ["rgb"], [0], baseline="depth")
    with pytest.raises(ValueError, match=r"`variants` must be some of"):
        tabulate(task, tmp_path, ["cen"])


def test_all_variants_are_the_inputs_and_every_strategy(task):
    assert program.known_variants(task) == ["rgb", "depth", *FUSIONS]


def test_a_strategy_of_one_network_is_trained_when_it_is_named(task, folder):
    name = next(iter(OF_ONE_NETWORK))
    assert name not in program.known_variants(task)
    assert task.variant(name, 0).config.fusion.name == name
    write_results(folder / f"{name}_0", ensemble=0.5)
    assert cells(tabulate(task, folder), "runs")[name] == "1"


def test_variants_share_all_but_inputs_fusion_and_seed(task):
    single, fused = task.variant("depth", 3).config, task.variant("asymmetric_fusion", 4).config
    assert (single.inputs, single.fusion.name) == (("depth",), "private_normalization")
    assert (fused.inputs, fused.fusion.name) == (("rgb", "depth"), "asymmetric_fusion")
    assert (single.seed, fused.seed, task.config.seed) == (3, 4, 0)
