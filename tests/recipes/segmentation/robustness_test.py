"""The program on a network that nobody has trained: what is measured matters, not how well."""

import functools
import json

import keras
import numpy as np
import pytest

from recipes import config as configs
from recipes.evaluate import evaluate_run
from recipes.run_folder import RunFolder
from recipes.segmentation import evaluation, robustness
from recipes.segmentation.corruptions import register, registry
from recipes.segmentation.robustness import PARTIAL, main, measure_robustness
from recipes.segmentation.task import Segmentation
from tests.recipes.segmentation.tiny import tiny_config

pytestmark = [
    pytest.mark.usefixtures("short_networks"),
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
]

SOME = ("rgb/fog", "stuck", "lag")


@pytest.fixture(scope="module", autouse=True)
def one_model():
    """A checkpoint is loaded, and its prediction compiled, once for all tests."""
    load = RunFolder.load
    cached = functools.cache(lambda path, which: load(RunFolder(path), which))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "load", lambda self, which="best": cached(self.path, which))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with random weights and one-sided norms, so that predictions are of several classes."""
    config = tiny_config(tmp_path_factory.mktemp("data"))
    config.data.num_examples = {"train": 2, "test": 3}
    keras.utils.set_random_seed(1)
    task = Segmentation(config)
    task.open()
    model = task.build_model(1)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    run.write_config(task)
    model.save(run.path / "best.keras")
    (run.path / "report.html").write_text("<body><h2>Configuration</h2>rows</body>")
    return run.path


@pytest.fixture(scope="module")
def measured(run):
    record = measure_robustness(run, corruptions=SOME, severities=(5,))
    files = {name: (run / name).read_bytes() for name in ("robustness.json", "robustness.md")}
    return record, files


def test_subsets_are_those_of_select(run, measured):
    """By a mask in one network or by a network without the sensor: the same figures."""
    record, _ = measured
    alone = evaluate_run(Segmentation, run, protocol=evaluation.Protocol(modalities=("depth",)))
    for metric, value in record["cells"]["subset/depth"].items():
        assert value == pytest.approx(alone["ensemble"][metric], abs=2e-3)
    scores = [record["cells"][key]["mean IoU"] for key in ("clean", "subset/rgb", "subset/depth")]
    assert len(set(scores)) == 3
    assert record["summary"]["EMM"] == pytest.approx(np.mean(scores))
    assert record["summary"]["worst subset"][1] == min(scores)


def test_what_is_measured(run, measured):
    record, files = measured
    faults = ["rgb/fog", "depth/stuck"]
    assert list(record["cells"]) == [
        "clean",
        "subset/rgb",
        "subset/depth",
        "parts/rgb + depth",
        "parts/rgb",
        "parts/depth",
        "noise/5",
        *(f"fault/{name}/5" for name in faults),
    ]
    assert record["not_measured"] == ["depth/lag"]
    assert record["sensors"] == {"rgb": "rgb", "depth": "depth"}
    assert record["cells"]["fault/depth/stuck/5"] != record["cells"]["clean"]
    assert json.loads(files["robustness.json"]) == json.loads(json.dumps(record))
    text = files["robustness.md"].decode()
    for part in (
        "removed, not filled",
        "| rgb | fog |",
        "EMM",
        "RMM",
        "NM",
        "depth/lag",
        "worst",
        "ECE",
    ):
        assert part in text
    report = (run / "report.html").read_text()
    assert report.count("<h2>Robustness</h2>") == 1
    assert report.index("Robustness") < report.index("<h2>Configuration</h2>")
    for part in ("mean IoU by severity", "depth: stuck", "prediction, 5", "rgb: fog"):
        assert part in report


def test_after_an_interruption_it_goes_on_and_gives_the_same_bytes(run, measured, monkeypatch):
    evaluate, calls = evaluation.evaluate, []

    def stops(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return evaluate(*args, **kwargs)

    monkeypatch.setattr(robustness.evaluation, "evaluate", stops)
    with pytest.raises(KeyboardInterrupt):
        measure_robustness(run, corruptions=SOME, severities=(5, 5))
    assert len(json.loads((run / PARTIAL).read_text())["cells"]) == 3
    record = measure_robustness(run, corruptions=SOME, severities=(5, 5))
    assert len(calls) == 1 + len(record["cells"])  # the three are not measured again
    assert {name: (run / name).read_bytes() for name in measured[1]} == measured[1]
    assert not (run / PARTIAL).exists()


def test_another_seed_is_not_mixed_in(run, measured):
    identity = {key: measured[0][key] for key in measured[0] if key not in ("cells", "summary")}
    kept = {"identity": identity, "cells": {"clean": {"mean IoU": 0.99}}}
    (run / PARTIAL).write_text(json.dumps(kept))
    found = measure_robustness(run, seed=1, corruptions=("none",), severities=(5,))
    assert found["cells"]["clean"] == measured[0]["cells"]["clean"]
    assert found["cells"]["noise/5"] != measured[0]["cells"]["noise/5"]
    assert "mean over corruptions" not in found["summary"]


def test_the_command_line_with_a_kind_and_an_order(run, measured, capsys, monkeypatch):
    monkeypatch.setattr(registry, "_KNOWN", dict(registry._KNOWN))

    @register("mine", "lamp_off")
    def lamp_off(values, hole, severity, draws):
        return 0 * values, hole

    given = [f"--workdir={run}", "--corruptions=lamp_off,lag", "--severities=5", "--limit=2"]
    main([*given, "--kinds=rgb=mine", "--ordered", "--plugins=json"])
    text = capsys.readouterr().out
    record = json.loads((run / "robustness.json").read_text())
    assert record["images"] == 2 and record["sensors"]["rgb"] == "mine"
    assert [key for key in record["cells"] if key.startswith("fault")] == [
        "fault/rgb/lamp_off/5",
        "fault/depth/lag/5",
    ]
    assert "| rgb | lamp_off |" in text and "Not measured" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corruptions=fogg"], "did you mean `fog`"),
        (["--severities=6"], "`--severities` must be some of"),
        (["--seed=-1"], "`seed` must not be negative"),
        (["--limit=0"], "`limit` at least 1"),
        (["--kinds=sar=generic"], "must be of the run's inputs"),
        (["--kinds=rgb"], "must be SENSOR=KIND"),
        (["--plugins=not_there"], "must name modules"),
        (["--split=tset"], "must be one of"),
    ],
)
def test_mistakes(run, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main([f"--workdir={run}", *arguments])
    assert message in str(caught.value)


def test_a_data_sets_own_absences_are_kept(run):
    """What the data say is absent is not put back; an example is never left without all."""
    from recipes.segmentation.faults.faulty import Masked

    class Model:
        modality_names = ("a", "b")

        def predict_on_batch(self, images):
            return images["present"].tolist()

    image = np.zeros((3, 2, 2, 1))
    given = {"a": image, "b": image, "present": np.array([[1, 1], [1, 0], [0, 1]], bool)}
    assert Masked(Model(), ("a", "b")).predict_on_batch(given) == given["present"].tolist()
    expected = [[False, True]] * 3  # the second lacks all that is left
    assert Masked(Model(), ("b",)).predict_on_batch(given) == expected
    del given["present"]
    assert Masked(Model(), ("b",)).predict_on_batch(given) == expected


def test_the_runs_config_is_not_changed(run):
    config = configs.from_json((run / "config.json").read_text(), Segmentation.default_config())
    assert config.inputs == ("rgb", "depth")
