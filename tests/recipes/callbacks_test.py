"""What a plain Keras callback gets from a run: all that W&B's and MLflow's callbacks read."""

import contextlib
import csv
import io
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_asym.training import choose_distribution, train
from recipes.image_translation.task import ImageTranslation
from recipes.segmentation.task import Segmentation
from recipes.train import make_training
from tests.recipes.image_translation import tiny as translation
from tests.recipes.segmentation import tiny as segmentation

pytestmark = [
    # Keras' data adapter leaves the iterator of an endless data set to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TASKS = {Segmentation: segmentation.tiny_config, ImageTranslation: translation.tiny_config}
BRANCHES = ("rgb", "depth", "ensemble")
made = []


class Recorder(keras.callbacks.Callback):
    """Notes each hook with its logs, and what trackers ask of the model."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        lines = []
        self.model.summary(print_fn=lambda line, *args, **kwargs: lines.append(line))
        assert lines and self.model.optimizer.get_config()
        self.calls.append(("train begin", None, logs))

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch begin", epoch, logs))

    def on_batch_end(self, batch, logs=None):
        step = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        assert step > 0
        self.calls.append(("batch end", batch, dict(logs)))

    def on_test_end(self, logs=None):
        self.calls.append(("test end", None, dict(logs)))

    def on_epoch_end(self, epoch, logs=None):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        assert rate >= 0
        self.calls.append(("epoch end", epoch, dict(logs)))

    def on_train_end(self, logs=None):
        self.calls.append(("train end", None, logs))

    def logs(self, hook):
        return [logs for name, _, logs in self.calls if name == hook]


def make(task):
    """What `config.callbacks` names."""
    made.append(Recorder())
    return made[-1]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module", params=list(TASKS), ids=lambda task: task.name)
def recorded(request, short_networks, data_dir, tmp_path_factory):
    """A run: its task, data set, recorder and folder, and what was printed."""
    config = TASKS[request.param](data_dir)
    config.callbacks = (f"{__name__}:make",)
    task = request.param(config)
    task.check()
    dataset = task.open()
    task.survey(dataset)
    distribution = choose_distribution("none")
    folder = tmp_path_factory.mktemp("run")
    # Four steps operation by operation take less time than the graphs of two stages.
    tf.config.run_functions_eagerly(task.name == "segmentation")
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            train(make_training(task, dataset, distribution), folder, distribution)
    finally:
        tf.config.run_functions_eagerly(False)
    return types.SimpleNamespace(
        task=task, dataset=dataset, recorder=made[-1], folder=folder, text=printed.getvalue()
    )


def test_hooks_come_in_the_order_of_keras(recorded):
    task, recorder = recorded.task, recorded.recorder
    fits = 2 if task.name == "segmentation" else 1  # each stage is a fit
    hooks = [(name, number) for name, number, _ in recorder.calls]
    epoch = [("batch end", 0), ("batch end", 1), ("test end", None)]
    epochs = [[("epoch begin", n), *epoch, ("epoch end", n)] for n in range(2)]
    begin, end = [("train begin", None)], [("train end", None)]
    if fits == 2:
        assert hooks == [*begin, *epochs[0], *end, *begin, *epochs[1], *end]
    else:
        assert hooks == [*begin, *epochs[0], *epochs[1], *end]
    assert recorder.params["epochs"] == 2 and recorder.params["steps"] == 2


def test_an_epoch_s_logs_hold_everything(recorded):
    task, recorder = recorded.task, recorded.recorder
    names = {"images_per_second", "loss"} if task.name == "segmentation" else {"images_per_second"}
    if task.name == "segmentation":
        names |= {f"{key}_loss" for key in BRANCHES}
        names |= {f"val_{key}_mean_iou" for key in BRANCHES}
        names |= {"learning_rate_encoder", "learning_rate_decoder", "val_loss"}
        names |= {f"{key}_exchange_rate" for key in task.config.inputs}
    else:
        names |= {"learning_rate_generator", "learning_rate_discriminator"}
        names |= {f"{key}_exchange_rate" for key in task.config.inputs}
        names |= {f"val_{key}_mae" for key in (*task.config.inputs, "ensemble")}
    for logs in recorder.logs("epoch end"):
        assert names <= set(logs), names - set(logs)
        for name, value in logs.items():  # plain numbers, as trackers send them
            assert isinstance(value, float | int) and np.isfinite(value), name
        assert logs["images_per_second"] > 0
    for logs in recorder.logs("batch end"):
        assert any(name.endswith("loss") for name in logs)
    for logs, of_epoch in zip(recorder.logs("test end"), recorder.logs("epoch end"), strict=True):
        assert {f"val_{name}" for name in logs} == {x for x in of_epoch if x.startswith("val_")}
    if task.name == "segmentation":
        rates = [logs["learning_rate_decoder"] for logs in recorder.logs("epoch end")]
        stages = [stage["decoder_rate"] for stage in task.config.stages]
        assert rates[0] <= stages[0] and rates[1] <= stages[1] < stages[0]


def test_the_log_holds_what_a_run_has_twice(recorded):
    """The same, but for what depends on the machine: two runs have the same log."""
    with open(recorded.folder / "log.csv") as file:
        rows = list(csv.DictReader(file))
    for row, logs in zip(rows, recorded.recorder.logs("epoch end"), strict=True):
        assert "images_per_second" not in row
        for name in row.keys() - {"epoch"}:
            assert float(row[name]) == pytest.approx(logs[name]), name


def test_the_progress_line_says_speed_and_rates(recorded):
    assert "images_per_second: " in recorded.text and "_exchange_rate: " in recorded.text
    assert "Epoch 2/2, about " in recorded.text and " left" in recorded.text


def test_tensorboard_has_scalars_and_small_pictures(recorded):
    files = (recorded.folder / "tensorboard").rglob("*tfevents*")
    events = b"".join(path.read_bytes() for path in files)
    for name in ("epoch_images_per_second", "exchange_rate", "learning_rate", "0/ensemble"):
        assert name.encode() in events, name


def test_without_pictures(recorded):
    task = type(recorded.task)(recorded.task.config.copy_and_resolve_references())
    task.facts = recorded.task.facts
    distribution = choose_distribution("none")
    assert make_training(task, recorded.dataset, distribution).pictures is not None
    task.config.tensorboard_examples = 0
    assert make_training(task, recorded.dataset, distribution).pictures is None
