import csv
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_asym.training import EXIT_STATUS, RunStates, dtype_policy, read_state
from tests.training import resume_run

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
    # Keras' data adapter leaves the iterator of an endless data set to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
STAGES = ((1, 0.02), (1, 0.01))


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_same(one, two):
    """Every variable of the last state is the same, bit by bit, and so is the log."""
    (expected, position), (found, again) = (RunStates(x / "checkpoints").load() for x in (one, two))
    assert position == again
    assert expected.keys() == found.keys() and len(expected) > 20
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert (one / "log.csv").read_text() == (two / "log.csv").read_text()


def trained_and_killed(task, kills, seed, tmp_path, mode="graphs"):
    program = start("-m", "tests.training.resume_run", task, tmp_path, kills, seed, mode)
    text, _ = program.communicate(timeout=1800)
    assert program.returncode == 0, text
    assert_same(tmp_path / "undisturbed", tmp_path / "killed")
    return text


def test_killed_during_a_write_and_between(tmp_path):
    assert "killed 2 times, 1 of them during a write" in trained_and_killed(
        "translator", 2, 0, tmp_path, "eagerly"
    )


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmenter", "translator"])
def test_killed_twenty_times(task, tmp_path):
    assert "killed 20 times, 10 of them" in trained_and_killed(task, 20, 1, tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two stages of one epoch, in this process."""
    workdir = tmp_path_factory.mktemp("run")
    resume_run.run("segmenter", workdir, STAGES)
    return workdir


def test_a_damaged_state_is_passed_over(finished, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(finished, workdir)
    newest = max((workdir / "checkpoints").glob("*.npz"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged.*from the one before"):
        resume_run.run("segmenter", workdir, STAGES)
    assert_same(finished, workdir)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "precision"),
    [
        ("segmenter", "float32"),
        ("segmenter", "mixed_bfloat16"),
        ("segmenter", "mixed_float16"),
        ("translator", "mixed_bfloat16"),
    ],
)
def test_accumulated_averaged_and_in_less_precision(task, precision, tmp_path):
    options = {"precision": precision, "gradient_accumulation": 2, "weight_average": 0.9}
    stages = ((1, 0.02), (2, 0.01))
    resume_run.run(task, tmp_path / "whole", stages, **options)
    shutil.copytree(tmp_path / "whole", tmp_path / "again")
    for path in (tmp_path / "again" / "checkpoints").glob("*-000003.*"):
        path.unlink()  # as if killed before the last epoch was finished
    resume_run.run(task, tmp_path / "again", stages, **options)
    assert_same(tmp_path / "whole", tmp_path / "again")
    arrays, _ = RunStates(tmp_path / "whole" / "checkpoints").load()
    assert all(np.isfinite(value).all() for value in arrays.values())
    model, again = (
        keras.models.load_model(tmp_path / name / "last.keras", compile=False)
        for name in ("whole", "again")
    )
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_sigterm_saves_at_the_next_step(finished, tmp_path):
    program = (
        "import pathlib, sys; from tests.training.resume_run import run; "
        "run('segmenter', pathlib.Path(sys.argv[1]), ((1, 0.02), (2000, 0.01)), "
        "checkpoint_steps=10**6, evaluate_every=10**6, checkpoint_every=10**6)"
    )
    child = start("-c", program, tmp_path)
    while not list((tmp_path / "checkpoints").glob("*.json")) and child.poll() is None:
        time.sleep(0.01)  # the end of the first stage is validated, hence saved
    child.send_signal(signal.SIGTERM)
    text, _ = child.communicate(timeout=300)
    assert child.returncode == EXIT_STATUS == 143, text
    arrays, position = RunStates(tmp_path / "checkpoints").load()
    assert position["step"] >= 5 and arrays
    assert (
        "SIGTERM: the state of step" in text and "Running the same command again resumes." in text
    )


@pytest.mark.parametrize(
    ("every", "message"),
    [
        (1, r"After step 1 of the run '.*' is not finite.*The last batch: \d+, \d+\. Lower"),
        (9, r"epoch 1, step 2 of the run. The batch: \d+, \d+\. The one before: \d+, \d+\."),
    ],
)
def test_the_examples_that_broke_the_training_are_named(every, message, tmp_path):
    with pytest.raises(RuntimeError, match=message):
        resume_run.run("segmenter", tmp_path, ((1, float("inf")),), checkpoint_steps=every)
    assert RunStates(tmp_path / "checkpoints").load() is None


def test_precision_is_that_of_the_config_and_no_longer():
    with dtype_policy("mixed_bfloat16"):
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    assert keras.layers.Dense(1).compute_dtype == "float32"
    message = r"`config.precision` must be one of.*'bfloat'"
    with pytest.raises(ValueError, match=message), dtype_policy("bfloat"):
        pass


def test_no_accumulation_under_a_strategy_of_tensorflow(tmp_path):
    with pytest.raises(ValueError, match=r"`config.gradient_accumulation` must be 1.*=2"):
        resume_run.run("segmenter", tmp_path, STAGES, "mirrored", gradient_accumulation=2)


def test_the_log_of_positions_is_readable(finished):
    position = json.loads(max((finished / "checkpoints").glob("*.json")).read_text())
    assert (position["step"], position["epochs"], position["stage"]) == (10, 2, 1)
    assert len(position["sha256"]) == 64


def states_of(workdir):
    return sorted(path.stem for path in (workdir / "checkpoints").glob("*.json"))


@pytest.fixture
def copy(finished, tmp_path):
    """A finished run of 5 steps an epoch that may be changed."""
    return shutil.copytree(finished, tmp_path / "run")


def test_a_run_of_other_data_is_refused_and_kept(copy, monkeypatch):
    before = states_of(copy)
    for examples, message in ((6, "fingerprint was .* and is"), (20, "fingerprint was .* and is")):
        monkeypatch.setattr(resume_run, "EXAMPLES", examples)
        with pytest.raises(ValueError, match=rf"resumed on the data.*{message}.*--workdir"):
            resume_run.run("segmenter", copy, ((1, 0.02), (2, 0.01)))
    assert states_of(copy) == before


@pytest.mark.parametrize("examples", [6, 20])
def test_a_run_that_did_not_keep_its_data_is_refused_by_its_steps(copy, examples, monkeypatch):
    """Epochs would become negative, and training never end."""
    for path in (copy / "checkpoints").glob("*.json"):
        position = json.loads(path.read_text())
        del position["data"]
        path.write_text(json.dumps(position))
    monkeypatch.setattr(resume_run, "EXAMPLES", examples)
    with pytest.raises(ValueError, match=r"after 2 epochs it had made 10 steps.*steps an epoch"):
        resume_run.run("segmenter", copy, ((1, 0.02), (2, 0.01)))


def test_more_epochs_are_trained_and_fewer_refused(copy):
    with pytest.raises(ValueError, match=r"fewer epochs than it was trained for: 2. Received: 1"):
        resume_run.run("segmenter", copy, ((1, 0.02),))
    with pytest.raises(ValueError, match=r"keep the epochs of the stages that it has finished"):
        resume_run.run("segmenter", copy, ((3, 0.02), (1, 0.01)))
    resume_run.run("segmenter", copy, ((1, 0.02), (2, 0.01)))
    assert RunStates(copy / "checkpoints").load()[1]["step"] == 15
    rows = (copy / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "0", "1", "2"]


@pytest.mark.usefixtures("without_graphs")
def test_the_best_epoch_is_kept_between_two_checkpoints(tmp_path):
    """Validation after each epoch, a checkpoint at the end alone; own callbacks and pictures."""

    class Seen(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            Seen.epochs += 1

    def pictures(model):
        return {"first": np.zeros((4, 4, 3), "uint8")}

    resume_run.run(
        "segmenter",
        tmp_path,
        ((3, 0.5),),
        evaluate_every=1,
        checkpoint_every=9,
        callbacks=(Seen(),),
        pictures=pictures,
    )
    state = read_state(tmp_path)
    with open(tmp_path / "log.csv") as file:
        values = [float(row["val_ensemble_mean_iou"]) for row in csv.DictReader(file)]
    assert state["best"] == pytest.approx(max(values))
    assert state["best_epoch"] == 1 + values.index(max(values))
    assert (tmp_path / "best.keras").is_file()
    assert Seen.epochs == 3
    events = b"".join(path.read_bytes() for path in (tmp_path / "tensorboard").rglob("*tfevents*"))
    assert b"first" in events and b"learning_rate" in events


@pytest.mark.usefixtures("without_graphs")
def test_training_stops_when_the_best_is_old_and_stays_stopped(tmp_path, capsys):
    stages, settings = ((30, 0.0),), {"evaluate_every": 1, "patience": 2}
    resume_run.run("segmenter", tmp_path, stages, **settings)
    best = read_state(tmp_path)["best_epoch"]
    assert f"was best in epoch {best}, 2 epochs ago" in capsys.readouterr().out
    _, position = RunStates(tmp_path / "checkpoints").load()
    assert (position["epochs"], position["stopped"]) == (best + 2, True) and best + 2 < 30
    resume_run.run("segmenter", tmp_path, stages, **settings)
    assert RunStates(tmp_path / "checkpoints").load()[1] == position
