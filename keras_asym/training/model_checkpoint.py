import json
import os
import pathlib
import tempfile

import keras

from keras_asym.files import sync_file, sync_folder, write_atomically
from keras_asym.training.averaging import averaged_weights

STATE = "state.json"


class ModelCheckpoint(keras.callbacks.Callback):
    """Keeps the last and the best model of a run, each written aside and renamed.

    They are what is evaluated, exported and used; `SaveStates` keeps what training goes on from. A
    crash or a full disk while a file is written leaves the previous one intact. `last.keras` and
    `best.keras` hold model and optimizer, the weights' moving averages in place of the weights if
    there are any; `state.json` says which epoch they are from.

    Args:
        directory: Folder of the run.
        monitor: Name of the logged value that says which model is the best. Until it is logged,
            the last model counts as the best.
        mode: `"max"` if the largest value is the best, or `"min"`.
        every: Number of epochs between two checkpoints; one is always written at the end.
        writes: Whether this process writes the files. To save a model is a collective operation
            under a strategy of several hosts: the others save, too, and throw it away.

    Raises:
        ValueError: If `mode` is neither.
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
        self._logs = None

    def on_epoch_end(self, epoch, logs=None):
        self._logs = epoch, logs or {}
        if (epoch + 1) % self.every == 0:
            self.save()

    def on_train_end(self, logs=None):
        if self._logs is not None:
            self.save()

    def _is_better(self, value):
        return value > self.best if self.mode == "max" else value < self.best

    def save(self):
        """Writes the model as it is now; the caller need not, fit does."""
        epoch, logs = self._logs
        self._logs = None
        if not self.writes:
            with tempfile.TemporaryDirectory() as folder, averaged_weights(self.model):
                self.model.save(pathlib.Path(folder) / "model.keras")
            return
        value = logs.get(self.monitor)
        better = self.best is None or (value is not None and self._is_better(value))
        if better and value is not None:
            self.best, self.best_epoch = float(value), epoch + 1
        last, best = self.directory / "last.keras", self.directory / "best.keras"
        temporary = self.directory / ".writing.keras"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with averaged_weights(self.model):
                self.model.save(temporary)
            sync_file(temporary)
            if better:
                link = self.directory / ".best.keras"
                link.unlink(missing_ok=True)
                os.link(temporary, link)  # one copy on disk serves both names
                os.replace(link, best)
            os.replace(temporary, last)
            sync_folder(self.directory)
            write_atomically(
                self.directory / STATE,
                json.dumps(
                    {
                        "epoch": epoch + 1,
                        "best": self.best,
                        "best_epoch": self.best_epoch,
                        "monitor": self.monitor,
                    }
                ),
            )
        except OSError as error:
            temporary.unlink(missing_ok=True)
            kept = f"{last} is still the last good one" if last.exists() else "there is none yet"
            raise RuntimeError(
                f"The checkpoint of epoch {epoch + 1} could not be written to {self.directory}: "
                f"{error}. Is the disk full or read-only? Of the checkpoints, {kept}."
            ) from error


def read_state(directory):
    """The contents of `state.json` in a run's folder, or `None` without a checkpoint."""
    path = pathlib.Path(directory) / STATE
    return json.loads(path.read_text()) if path.is_file() else None
