import json
import subprocess
import sys
import types

import pytest

from recipes import config as configs
from recipes.run_folder import RunFolder
from recipes.segmentation.configs import default
from recipes.segmentation.task import Segmentation


def task_of(**changes):
    config = default.get_config()
    config.update(changes)
    return Segmentation(config, types.SimpleNamespace(to_dict=dict))


@pytest.fixture
def begun(tmp_path):
    """A run that has a model."""
    run = RunFolder(tmp_path / "run")
    run.write_config(task_of())
    (run.path / "last.keras").write_text("")
    return run


def test_the_same_config_is_resumed(begun):
    begun.check_config(task_of())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 4}, r"config.batch_size: 6 there, 4 asked for"),
        ({"network": {"dropout": 0.1}}, r"config.network.dropout: None there, 0.1 asked for"),
        ({"inputs": ("rgb",)}, r"config.inputs: .*'depth'\) there, \('rgb',\) asked for"),
        ({"seed": 1}, "set these to the run's values to resume it"),
    ],
)
def test_another_config_is_refused_with_both_values_and_the_choice(begun, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        begun.check_config(task_of(**changes))
    assert "Choose another --workdir" in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluate_every": 3},
        {"checkpoint_steps": 7},
        {"report_examples": 0},
        {"early_stopping": 5},
        {"evaluation": {"scales": (0.5, 1.0), "flip": True}},
        {"data": {"root": "elsewhere", "lists": {"train": "other.txt"}}},
    ],
)
def test_what_changes_no_weight_may_change(begun, changes):
    begun.check_config(task_of(**changes))


def test_epochs_may_be_added_but_rates_not_changed(begun):
    stages = [dict(stage) for stage in default.get_config().stages]
    stages[2]["epochs"] = 200
    begun.check_config(task_of(stages=tuple(stages)))
    stages[0]["encoder_rate"] = 1.0
    with pytest.raises(ValueError, match=r"config\.stages"):
        begun.check_config(task_of(stages=tuple(stages)))


def test_a_run_of_an_older_version_is_resumed(begun):
    path = begun.path / "config.json"
    old = json.loads(path.read_text())
    del old["early_stopping"], old["class_weights"], old["data"]["resize"]
    path.write_text(json.dumps(old))
    begun.check_config(task_of())


def test_a_try_that_trained_nothing_is_forgotten(tmp_path):
    run = RunFolder(tmp_path)
    run.write_config(task_of())
    run.check_config(task_of(batch_size=4))


def test_checkpoints_without_a_config(tmp_path):
    (tmp_path / "best.keras").write_text("")
    with pytest.raises(ValueError, match=r"holds checkpoints but no config.json.*--workdir"):
        RunFolder(tmp_path).check_config(task_of())


def test_a_second_process_is_kept_out(tmp_path):
    program = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'a+')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "file.write('4711 on here')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    run = RunFolder(tmp_path / "run")
    with run.locked():
        pass
    with subprocess.Popen(
        [sys.executable, "-c", program, str(run.path / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "locked\n"
        message = r"must not be in use by another training.*process"
        with pytest.raises(ValueError, match=message), run.locked():
            pass
        other.kill()  # a process that dies leaves nothing locked
    with run.locked():
        assert "on" in (run.path / ".lock").read_text()


def test_what_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"must be the folder of a run.*without config.json"):
        RunFolder(tmp_path).config(default.get_config())
    with pytest.raises(ValueError, match=r"best.keras is not there: train first"):
        RunFolder(tmp_path).checkpoint()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="must be a folder"):
        RunFolder(tmp_path / "file")
    (tmp_path / "best.keras").write_text("no model")
    with pytest.raises(ValueError, match=r"best.keras cannot be loaded"):
        RunFolder(tmp_path).load()


def test_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RunFolder("~/runs/one").path == tmp_path / "runs" / "one"


def test_the_config_is_kept(begun):
    assert not list(configs.differences(begun.config(default.get_config()), default.get_config()))


def test_a_run_of_another_task_is_told_so(begun):
    assert begun.facts("segmentation") == {}
    message = (
        r"must be the folder of a run of image_translation.*use python -m recipes.segmentation"
    )
    with pytest.raises(ValueError, match=message):
        begun.facts("image_translation")
