import json
import math
import os
import pathlib
import tempfile

import keras

from keras_asym.files import link_or_copy, sync_file, sync_folder, write_atomically
from keras_asym.training.averaging import averaged_weights

STATE = "state.json"
_ADVICE = "Remove it: the next epoch with a monitored value then counts as the best."


class ModelCheckpoint(keras.callbacks.Callback):
    """Keeps the last and the best model of a run, each written aside and renamed.

    They are what is evaluated, exported and used; `SaveStates` keeps what training resumes from. A
    crash or a full disk while a file is written leaves the previous one intact. `last.keras` and
    `best.keras` hold model and optimizer, the weights' moving averages in place of the weights if
    there are any; `state.json` says which epoch they are from. Every epoch whose monitored value is
    logged can become the best, whether or not a checkpoint is due.

    Args:
        directory: Folder of the run.
        monitor: Name of the logged value that says which model is the best. Until it is logged,
            the last model counts as the best. NaN and infinity are never the best.
        mode: `"max"` if the largest value is the best, or `"min"`.
        every: Number of epochs between two checkpoints; one is always written at the end.
        writes: Whether this process writes the files. To save a model is a collective operation
            under a strategy of several hosts: the others save, too, and throw it away.

    Attributes:
        best: Best value of `monitor` so far, or `None`.
        best_epoch: The epoch it is from, counted from 1, or `None`.

    Raises:
        ValueError: If `mode` is neither, or the folder's `state.json` is damaged.
        RuntimeError: If a checkpoint cannot be written; says why and what is still good.
    """

    def __init__(
        self, directory, monitor="val_ensemble_mean_iou", mode="max", every=1, writes=True
    ):
        super().__init__()
        self.directory = pathlib.Path(directory)
        if mode not in ("max", "min"):
            raise ValueError(f'`mode` must be "max" or "min". Received: mode={mode!r}')
        self.monitor = monitor
        self.mode = mode
        self.every = every
        self.writes = writes
        state = read_state(directory)
        self.best = state["best"] if state else None
        self.best_epoch = state["best_epoch"] if state else None
        self._unsaved = None

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        improved = value is not None and self._is_better(float(value))
        if improved:
            self.best, self.best_epoch = float(value), epoch + 1
        self._unsaved = epoch, improved or self.best is None
        if improved or (epoch + 1) % self.every == 0:
            self.save()

    def on_train_end(self, logs=None):
        if self._unsaved is not None:
            self.save()

    def _is_better(self, value):
        if self.best is None or not math.isfinite(value):
            return math.isfinite(value)
        return value > self.best if self.mode == "max" else value < self.best

    def save(self):
        """Writes the model as it is now; the caller need not, fit does."""
        epoch, is_best = self._unsaved
        self._unsaved = None
        with averaged_weights(self.model):
            if not self.writes:
                with tempfile.TemporaryDirectory() as folder:
                    self.model.save(pathlib.Path(folder) / "model.keras")
                return
            try:
                self._write(epoch, is_best)
            except OSError as error:
                last = self.directory / "last.keras"
                kept = f"{last} is still the last good one" if last.exists() else "there is none"
                raise RuntimeError(
                    f"The checkpoint of epoch {epoch + 1} could not be written to "
                    f"{self.directory}: {error}. Is the disk full or read-only? Of the "
                    f"checkpoints, {kept}."
                ) from error

    def _write(self, epoch, is_best):
        last, best = self.directory / "last.keras", self.directory / "best.keras"
        temporary, second = self.directory / ".writing.keras", self.directory / ".best.keras"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.model.save(temporary)
            sync_file(temporary)
            if is_best:
                second.unlink(missing_ok=True)
                link_or_copy(temporary, second)  # if it can, one copy on disk serves both names
                os.replace(second, best)
            os.replace(temporary, last)
        finally:
            temporary.unlink(missing_ok=True)
            second.unlink(missing_ok=True)
        sync_folder(self.directory)
        state = {
            "epoch": epoch + 1,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "monitor": self.monitor,
        }
        write_atomically(self.directory / STATE, json.dumps(state))


def read_state(directory):
    """The contents of `state.json` in a run's folder, or `None` without a checkpoint.

    Raises:
        ValueError: If the file is damaged; says what to do.
    """
    path = pathlib.Path(directory) / STATE
    if not path.is_file():
        return None
    try:
        state = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. {_ADVICE}") from error
    kinds = {"epoch": int, "best": int | float | None, "best_epoch": int | None}
    if not isinstance(state, dict) or not all(
        name in state and isinstance(state[name], kind) for name, kind in kinds.items()
    ):
        raise ValueError(f"{path} is damaged: it holds {str(state)[:80]}. {_ADVICE}")
    if state["best"] is not None and not math.isfinite(state["best"]):
        state.update(best=None, best_epoch=None)
    return state
