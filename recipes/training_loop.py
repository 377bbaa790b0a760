"""The training of every recipe: stages, validation, and going on exactly where a run was.

A run's folder holds `checkpoints/`, the newest two states of the training, which nothing but the
training reads, and `best.keras` and `last.keras`, the models. The same command goes on from the
newest state that is whole, at its very step; on a CPU the weights become those of a run that was
never interrupted. SIGTERM saves a state after the step at hand and ends with the status 143.
"""

import contextlib
import dataclasses
import re
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_asym.training import (
    EpochLog,
    ModelCheckpoint,
    Preemption,
    ProgressBar,
    RunStates,
    SaveStates,
    StopOnNaN,
    ValidateAverages,
    assign_variables,
    per_replica_batch_size,
)
from recipes.data import streams

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
class Task:
    """What is trained on what.

    Batches are made for an `input_context`, see `recipes.data.streams`.
    """

    build: Callable  # the model
    stages: tuple[Stage, ...]
    steps: int  # in an epoch
    train_batches: Callable  # of the first step and an input context
    validation_batches: Callable | None  # of an input context
    keys: Callable  # of a step: names of the examples of its batch
    monitor: str  # the value that says which model is the best
    mode: str  # "max" or "min"


def train(task, config, workdir, distribution):
    """Trains until the last epoch; leaves `best.keras` and `last.keras` behind.

    Args:
        task: `Task`.
        config: The run's `ConfigDict`; read here are `seed`, `evaluate_every`, `checkpoint_every`
            (epochs), `checkpoint_steps` (0: so often that a checkpoint costs little), `precision`
            and `gradient_accumulation`.
        workdir: Folder of the run, open; all hosts see the same one.
        distribution: Result of `keras_asym.training.choose_distribution`.
    """
    if config.gradient_accumulation > 1 and not distribution.accumulates:
        raise ValueError(
            "`config.gradient_accumulation` must be 1 under a strategy of TensorFlow, where Keras' "
            "optimizers cannot accumulate: use one device, or KERAS_BACKEND=jax with "
            "--strategy=data_parallel. Received: "
            f"gradient_accumulation={config.gradient_accumulation}"
        )
    states = RunStates(workdir / FOLDER)
    start = states.load()
    position = start[1] if start else {"step": 0, "epochs": 0}
    steps = distribution.gather(position["step"])
    if len(set(steps)) > 1:
        raise ValueError(
            "`workdir` must be a folder that all hosts see. Received: "
            f"workdir={workdir}, where training would go on after the steps {steps}"
        )
    if start:
        print(f"Going on after epoch {position['epochs']}, step {position['step']} of {workdir}.")
    if position["epochs"] == sum(stage.epochs for stage in task.stages):
        return
    try:
        with dtype_policy(config.precision), distribution.scope(), Preemption() as preemption:
            _Run(task, config, workdir, distribution, states, start, preemption).train()
    except LOST as error:
        if distribution.hosts == 1:
            raise
        message = re.sub(r"{{.*?}} *", "", str(error.message)).splitlines()[0]
        raise RuntimeError(
            f"A host is lost: {message} Start all hosts again with the "
            f"same command; training goes on from the newest state in {workdir / FOLDER}."
        ) from error


class _Run:
    def __init__(self, task, config, workdir, distribution, states, start, preemption):
        self.task, self.distribution, self.start = task, distribution, start
        self.ends = [0]
        for stage in task.stages:
            self.ends.append(self.ends[-1] + stage.epochs)
        self.every = config.evaluate_every
        self.validation = None
        if task.validation_batches is not None:
            self.validation = distribution.dataset(task.validation_batches)
        self.saver = SaveStates(
            states if distribution.is_chief else None,
            task.steps,
            self.ends[-1],
            config.checkpoint_steps,
            config.checkpoint_every,
            self._validates,
            preemption,
            metrics=distribution.replicas == 1,  # each replica has sums of its own
            start=start,
            keys=task.keys,
        )
        self.callbacks = [StopOnNaN(self.saver.step, task.keys), ValidateAverages()]
        if distribution.is_chief:
            self.callbacks += [
                ProgressBar(epochs=self.ends[-1]),
                EpochLog(workdir / "log.csv", self.saver.finished),
                keras.callbacks.TensorBoard(workdir / "tensorboard", write_graph=False),
            ]
        self.callbacks += [
            ModelCheckpoint(
                workdir,
                task.monitor,
                task.mode,
                config.checkpoint_every,
                writes=distribution.is_chief,
            ),
            self.saver,  # the last: what it saves, the others have seen
        ]
        # Here, as opening the data has drawn numbers on the host that built them.
        keras.utils.set_random_seed(config.seed)
        self.model = task.build()

    def train(self):
        saver, start = self.saver, self.start
        for index, stage in enumerate(self.task.stages):
            end = self.ends[index + 1]
            if saver.finished >= end:
                continue
            stage.compile(self.model, stage.epochs * self.task.steps)
            self.distribution.prepare(self.model)
            self.model.optimizer.build(self.model.trainable_variables)
            if start:
                arrays, position = start
                assign_variables(self.model, arrays, optimizer=position["stage"] == index)
            saver.stage = index
            done = saver.step - saver.finished * self.task.steps
            if done == self.task.steps:
                self._finish_epoch(start[1]["logs"])
            elif done:
                self._fit(saver.finished + 1, self.task.steps - done)
            if saver.finished < end:
                self._fit(end, self.task.steps)
            start = None

    def _fit(self, end, steps):
        saver = self.saver
        self.model.fit(
            self.distribution.dataset(lambda context: self.task.train_batches(saver.step, context)),
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
            self.callbacks, model=self.model, epochs=epoch + 1, steps=self.task.steps
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
        due = (epoch + 1) % self.every == 0 or epoch + 1 in self.ends
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


def describe(strategy, distribution, batch_size, steps):
    """How the run is spread over devices, in words; checks that the batch can be shared."""
    share = per_replica_batch_size(batch_size, distribution.replicas)
    hosts = f" on {distribution.hosts} hosts" if distribution.hosts > 1 else ""
    return (
        f"Strategy: {strategy}, {distribution.replicas} replica(s){hosts}. Global batch size "
        f"{batch_size}, {share} on each replica. {steps} steps an epoch. Learning rates are as "
        "configured, not rescaled."
    )


def evaluation_batch_size(batch_size, distribution):
    """The global batch size with an equal part for each replica, none of them empty."""
    return -(-batch_size // distribution.replicas) * distribution.replicas


def optimizer_options(config):
    """Arguments of Keras' optimizers for accumulated gradients and averaged weights.

    Args:
        config: The run's `ConfigDict`: `gradient_accumulation`, `weight_average`.
    """
    count, momentum = config.gradient_accumulation, config.weight_average
    if count < 1:
        raise ValueError(
            "`config.gradient_accumulation` must be at least 1. "
            f"Received: gradient_accumulation={count}"
        )
    if not 0 <= momentum < 1:
        raise ValueError(
            f"`config.weight_average` must be in [0, 1). Received: weight_average={momentum}"
        )
    options = {}
    if count > 1:
        options["gradient_accumulation_steps"] = count
    if momentum:
        # Keras averages after each batch, whether or not it has changed the weights.
        options.update(use_ema=True, ema_momentum=momentum ** (1 / count))
    return options


def batch_keys(source, batch_size, seed, shuffle_buffer):
    """Function of a step that names the examples of its training batch.

    Args:
        source, batch_size, seed, shuffle_buffer: As for `recipes.data.streams.training_batches`.
    """

    def keys(step):
        names = streams.training_batches(
            source,
            lambda example, name, uniforms: name,
            batch_size,
            1,
            seed=seed,
            start_step=step,
            shuffle_buffer=shuffle_buffer,
        )
        return [name.decode() for name in next(names.as_numpy_iterator())]

    return keys
