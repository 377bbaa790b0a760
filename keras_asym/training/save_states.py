import time

import keras
import numpy as np

from keras_asym.training.run_states import RunStates
from keras_asym.training.variables import add_to_metrics, read_variables, synchronize

SHARE = 20
"""Without a number of steps, training lasts this many times as long as writing its states."""
SECONDS = 60.0
"""And there is at least this time between two of them."""


class SaveStates(keras.callbacks.Callback):
    """Saves everything that training needs to resume exactly where it was.

    A state is saved every so many steps, before each validation, after every so many epochs, at the
    end, and on SIGTERM, which then ends the program (`Preemption.leave`).

    Args:
        states: `RunStates`; `None` where another process writes them.
        steps: Number of steps in an epoch.
        epochs: Number of epochs in the whole run.
        every_steps: Number of steps between two states; 0 lets their cost decide.
        every_epochs: Number of epochs after which one is always saved.
        validates: Function of an epoch, counted from 0: whether validation follows it.
        preemption: `Preemption`.
        metrics: Whether a saved state holds the sums of the metrics, so that the log of an
            interrupted epoch is that of the whole epoch.
        start: `(arrays, position)` of the state that training resumes from, or `None`.
        keys: Function of a step of the run, counted from 0, that names the examples of its batch.
        data: What says which data the run is trained on; kept in each position.
        stopping: `EarlyStopping`; a state saved after it has ended the training says so.
        clock: Function that gives seconds.

    Raises:
        RuntimeError: If the weights are not finite any more; the states before are kept.
    """

    def __init__(
        self,
        states: RunStates | None,
        steps,
        epochs,
        every_steps=0,
        every_epochs=1,
        validates=lambda epoch: False,
        preemption=None,
        metrics=True,
        start=None,
        keys=None,
        data=None,
        stopping=None,
        clock=time.monotonic,
    ):
        super().__init__()
        self.states = states
        self.steps = steps
        self.epochs = epochs
        self.every_steps = every_steps
        self.every_epochs = every_epochs
        self.validates = validates
        self.preemption = preemption
        self.metrics = metrics
        self.keys = keys
        self.data = data
        self.stopping = stopping
        self.clock = clock
        self.stage = 0
        arrays, position = start or (None, {"step": 0, "epochs": 0})
        self.step = position["step"]
        self.finished = position["epochs"]
        inside = 0 < self.step - self.finished * steps < steps
        self._sums = arrays if inside and self.metrics else None
        self._logs = None
        self._next = clock() + SECONDS

    def on_train_batch_end(self, batch, logs=None):
        if self._sums is not None:
            add_to_metrics(self.model, self._sums)
            self._sums = None
        self.step += 1
        complete = self.step % self.steps == 0
        validated = complete and self.validates(self.finished)
        if complete:  # validation, which may follow, resets the metrics
            synchronize(self.model)
            values = self.model.get_metrics_result()  # of all hosts: each of them must ask
            self._logs = {name: float(value) for name, value in values.items()}
        if self._preempted() or self._due() or validated:
            self.save()
        if self._preempted():
            self.preemption.leave(f"the state of step {self.step} is saved.")

    def on_test_batch_end(self, batch, logs=None):
        if self._preempted():
            self.preemption.leave(f"the state of step {self.step} was saved before validation.")

    def on_epoch_end(self, epoch, logs=None):
        self.finished = epoch + 1
        last = self.finished == self.epochs or self._stopped()
        if self.finished % self.every_epochs == 0 or last:
            self.save()

    def save(self):
        """Writes the state as it is now; the caller need not, fit does."""
        begin = self.clock()
        position = {"step": self.step, "epochs": self.finished, "stage": self.stage}
        if self.data:
            position["data"] = self.data
        if self._stopped():
            position["stopped"] = True
        if self.step == (self.finished + 1) * self.steps:
            position["logs"] = self._logs
        if self.states is not None:
            arrays = read_variables(self.model, self.metrics)
            self._check_finite(arrays)
            self.states.save(arrays, position)
        end = self.clock()
        self._next = end + max(SECONDS, SHARE * (end - begin))

    def _check_finite(self, arrays):
        for name, value in arrays.items():
            if name.startswith("trainable/") and not np.isfinite(value).all():
                variable = self.model.trainable_variables[int(name.split("/")[1])]
                examples = ""
                if self.keys is not None:
                    examples = f" The last batch: {', '.join(self.keys(self.step - 1))}."
                raise RuntimeError(
                    f"After step {self.step} of the run '{variable.path}' is not finite any more."
                    f"{examples} Lower the learning rate, or look at the inputs' normalization. "
                    "What was saved is from before this step."
                )

    def _due(self):
        if self.every_steps:
            return self.step % self.every_steps == 0
        return self.clock() >= self._next

    def _stopped(self):
        return self.stopping is not None and self.stopping.stopped

    def _preempted(self):
        return self.preemption is not None and self.preemption.requested
