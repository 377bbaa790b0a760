"""The training of every recipe: stages, validation, and resuming exactly where a run was.

A run's folder holds `checkpoints/`, the newest two states of the training, which nothing but the
training reads, and `best.keras` and `last.keras`, the models. Starting it again resumes from the
newest state that is whole, at its very step; on a CPU the weights become those of a run that was
never interrupted. SIGTERM saves a state after the step at hand and ends with the status 143.
"""

import contextlib
import dataclasses
import re
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_asym.training.averaging import ValidateAverages
from keras_asym.training.early_stopping import EarlyStopping
from keras_asym.training.epoch_log import EpochLog
from keras_asym.training.exchange_rates import ExchangeRates
from keras_asym.training.images_per_second import ImagesPerSecond
from keras_asym.training.learning_rates import LearningRates
from keras_asym.training.model_checkpoint import ModelCheckpoint
from keras_asym.training.preemption import Preemption
from keras_asym.training.progress_bar import ProgressBar
from keras_asym.training.run_states import RunStates
from keras_asym.training.save_states import SaveStates
from keras_asym.training.stop_on_nan import StopOnNaN
from keras_asym.training.tensorboard import TensorBoard
from keras_asym.training.variables import assign_variables

FOLDER = "checkpoints"
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


@dataclasses.dataclass(frozen=True)
class Stage:
    """Epochs with an optimizer of their own, which starts anew."""

    epochs: int
    compile: Callable  # of the model and the stage's number of steps


@dataclasses.dataclass(frozen=True)
class Training:
    """What is trained on what, and how often it is looked at.

    Batches are made for a `tf.distribute.InputContext` or `None`, see `Distribution.dataset`.
    """

    build: Callable  # the model
    stages: tuple[Stage, ...]
    steps: int  # in an epoch
    train_batches: Callable  # of the first step and an input context
    validation_batches: Callable | None  # of an input context
    monitor: str  # the logged value that says which model is the best
    mode: str  # "max" or "min"
    keys: Callable | None = None  # of a step: names of the examples of its batch
    # What a resumed run must find again; its "name" is kept for people to read.
    data: dict = dataclasses.field(default_factory=dict)
    seed: int = 0
    evaluate_every: int = 1  # epochs
    checkpoint_every: int = 1  # epochs
    checkpoint_steps: int = 0  # steps; 0: so often that a checkpoint costs little
    patience: int = 0  # epochs after the best one; 0: to the last epoch
    precision: str = "float32"
    gradient_accumulation: int = 1
    batch_size: int = 0  # of all devices together; 0: images a second are not counted
    callbacks: tuple = ()
    pictures: Callable | None = None  # of the model: what TensorBoard shows


def train(training, workdir, distribution, begin=lambda: None):
    """Trains until the last epoch; leaves `best.keras` and `last.keras` behind.

    Args:
        training: `Training`.
        workdir: Folder of the run as a path; all hosts see the same one.
        distribution: Result of `keras_asym.training.choose_distribution`.
        begin: Function that is called when the folder was found fit, before anything is trained.

    Raises:
        ValueError: If the folder's run cannot be resumed: by other data, other numbers of steps or
            epochs than it was trained on, or because hosts see different folders.
        RuntimeError: If a host is lost, a state cannot be written, or the loss is not finite.
    """
    if training.gradient_accumulation > 1 and not distribution.accumulates:
        raise ValueError(
            "`config.gradient_accumulation` must be 1 under a strategy of TensorFlow, where Keras' "
            "optimizers cannot accumulate: use one device, or KERAS_BACKEND=jax with "
            "--strategy=data_parallel. Received: "
            f"gradient_accumulation={training.gradient_accumulation}"
        )
    states = RunStates(workdir / FOLDER)
    start = states.load()
    position = start[1] if start else {"step": 0, "epochs": 0}
    steps = distribution.gather(position["step"])
    if len(set(steps)) > 1:
        raise ValueError(
            "`workdir` must be a folder that all hosts see. Received: "
            f"workdir={workdir}, where training would resume after the steps {steps}"
        )
    if start:
        _check_position(position, training, workdir)
        print(f"Resuming after epoch {position['epochs']}, step {position['step']} of {workdir}.")
    begin()
    epochs = sum(stage.epochs for stage in training.stages)
    if position["epochs"] == epochs or position.get("stopped"):
        return
    try:
        with dtype_policy(training.precision), distribution.scope(), Preemption() as preemption:
            _Run(training, workdir, distribution, states, start, preemption).train()
    except LOST as error:
        if distribution.hosts == 1:
            raise
        message = re.sub(r"{{.*?}} *", "", str(error.message)).splitlines()[0]
        raise RuntimeError(
            f"A host is lost: {message} Start all hosts again with the "
            f"same command; training resumes from the newest state in {workdir / FOLDER}."
        ) from error


def _check_position(position, training, workdir):
    """Raises `ValueError` unless a state can be resumed with these data and stages."""
    advice = f"Choose another --workdir, or bring back what {workdir} was trained on."
    for name, found in training.data.items():
        kept = position.get("data", {}).get(name, found)
        if kept != found and name != "name":
            raise ValueError(
                f"The run in {workdir} must be resumed on the data it was trained on: the "
                f"{name.replace('_', ' ')} was {kept}, and is {found}. Have list files or images "
                f"changed? {advice}"
            )
    if not 0 <= position["step"] - position["epochs"] * training.steps <= training.steps:
        raise ValueError(
            f"The run in {workdir} must be resumed on the data it was trained on: after "
            f"{position['epochs']} epochs it had made {position['step']} steps. Received: data of "
            f"{training.steps} steps an epoch. Have list files or the batch size changed? {advice}"
        )
    ends = _ends(training.stages)
    if position["epochs"] > ends[-1]:
        raise ValueError(
            f"The run in {workdir} must not get fewer epochs than it was trained for: "
            f"{position['epochs']}. Received: {ends[-1]} epochs. {advice}"
        )
    begun = ends[position.get("stage", 0)]
    if position["epochs"] < begun or position["step"] < begun * training.steps:
        raise ValueError(
            f"The run in {workdir} must keep the epochs of the stages that it has finished. It is "
            f"in stage {position['stage'] + 1} after epoch {position['epochs']}. Received: stages "
            f"of {[stage.epochs for stage in training.stages]} epochs. {advice}"
        )


def _ends(stages):
    """Number of epochs before the first stage, and after each."""
    ends = [0]
    for stage in stages:
        ends.append(ends[-1] + stage.epochs)
    return ends


class _Run:
    def __init__(self, training, workdir, distribution, states, start, preemption):
        self.training, self.distribution, self.start = training, distribution, start
        self.ends = _ends(training.stages)
        self.validation = None
        if training.validation_batches is not None:
            self.validation = distribution.dataset(training.validation_batches)
        checkpoint = ModelCheckpoint(
            workdir,
            training.monitor,
            training.mode,
            training.checkpoint_every,
            writes=distribution.is_chief,
        )
        self.stopping = EarlyStopping(checkpoint, training.patience)
        self.saver = SaveStates(
            states if distribution.is_chief else None,
            training.steps,
            self.ends[-1],
            training.checkpoint_steps,
            training.checkpoint_every,
            self._validates,
            preemption,
            metrics=distribution.replicas == 1,  # each replica has sums of its own
            start=start,
            keys=training.keys,
            data=training.data,
            stopping=self.stopping,
        )
        self.callbacks = [
            StopOnNaN(self.saver.step, training.keys),
            ValidateAverages(),
            ExchangeRates(),
        ]
        if distribution.is_chief:  # before the speed, which no run has twice
            self.callbacks.append(EpochLog(workdir / "log.csv", self.saver.finished))
        speed = ImagesPerSecond(training.batch_size) if training.batch_size else None
        self.callbacks += [LearningRates(), *([speed] if speed else [])]
        if distribution.is_chief:
            self.callbacks += [
                ProgressBar(epochs=self.ends[-1], speed=speed),
                TensorBoard(workdir / "tensorboard", training.pictures),
            ]
        self.callbacks += [
            *training.callbacks,
            checkpoint,
            self.stopping,
            self.saver,  # the last: what it saves, the others have seen
        ]
        # Here, as opening the data has drawn numbers on the host that built them.
        keras.utils.set_random_seed(training.seed)
        self.model = training.build()

    def train(self):
        saver, start, training = self.saver, self.start, self.training
        for index, stage in enumerate(training.stages):
            end = self.ends[index + 1]
            if saver.finished >= end or self.stopping.stopped:
                continue
            stage.compile(self.model, stage.epochs * training.steps)
            self.distribution.prepare(self.model)
            self.model.optimizer.build(self.model.trainable_variables)
            if start:
                arrays, position = start
                assign_variables(self.model, arrays, optimizer=position["stage"] == index)
            saver.stage = index
            done = saver.step - saver.finished * training.steps
            if done == training.steps:
                self._finish_epoch(start[1]["logs"])
            elif done:
                self._fit(saver.finished + 1, training.steps - done)
            if saver.finished < end and not self.stopping.stopped:
                self._fit(end, training.steps)
            start = None

    def _fit(self, end, steps):
        saver, training = self.saver, self.training
        self.model.fit(
            self.distribution.dataset(lambda context: training.train_batches(saver.step, context)),
            initial_epoch=saver.finished,
            epochs=end,
            steps_per_epoch=steps,
            validation_data=self.validation,
            validation_freq=[e + 1 for e in range(end) if self._validates(e)],
            callbacks=self.callbacks,
            shuffle=False,  # the pipeline does
            verbose=0,
        )

    def _finish_epoch(self, logs):
        """Does what `fit` does after the last step of an epoch."""
        epoch = self.saver.finished
        callbacks = keras.callbacks.CallbackList(
            self.callbacks, model=self.model, epochs=epoch + 1, steps=self.training.steps
        )
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(epoch)
        if self._validates(epoch):
            values = self.model.evaluate(
                self.validation, callbacks=callbacks, return_dict=True, verbose=0
            )
            logs = {**logs, **{f"val_{name}": value for name, value in values.items()}}
        callbacks.on_epoch_end(epoch, logs)
        callbacks.on_train_end()

    def _validates(self, epoch):
        """Whether the validation split follows an epoch, counted from 0."""
        due = (epoch + 1) % self.training.evaluate_every == 0 or epoch + 1 in self.ends
        return self.validation is not None and due


@contextlib.contextmanager
def dtype_policy(name):
    """Inside, layers compute in a precision of `PRECISIONS`."""
    if name not in PRECISIONS:
        raise ValueError(
            f"`config.precision` must be one of {PRECISIONS}. Received: precision={name!r}"
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
