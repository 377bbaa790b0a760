"""The folder of a run: its config, what is known of its data, its models, and who trains in it."""

import contextlib
import fcntl
import json
import os
import pathlib
import socket

import keras

from keras_asym.files import write_atomically
from keras_asym.training import RunStates
from keras_asym.training.loop import FOLDER
from recipes import config as configs

CONFIG = "config.json"
DATA = "data.json"
LOCK = ".lock"


class RunFolder:
    """The folder of a run.

    Args:
        path: Of the folder; `~` is the home folder.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path).expanduser()
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"`workdir` must be a folder. Received: workdir={path}, a file")

    @contextlib.contextmanager
    def locked(self):
        """Inside, no other process can train in the folder; it ends with this process.

        Raises:
            ValueError: If another process is training there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / LOCK, "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise ValueError(
                    "`workdir` must not be in use by another training. Received: "
                    f"workdir={self.path}, in which process {file.read().strip() or '?'} is "
                    "training. Wait for it, stop it, or choose another --workdir."
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield self

    def check_config(self, task):
        """Raises `ValueError` where a run in this folder cannot be resumed with a task's config.

        Settings that do not change what is trained may differ (`task.may_change`), and settings
        that the run's version did not know count as what their default is. Until a state of the
        training is saved nothing is lost by another config, and any is taken.
        """
        if not self.has_models():
            return
        if not (self.path / CONFIG).is_file():
            raise ValueError(
                f"`workdir` holds checkpoints but no {CONFIG}: {self.path}. "
                "Choose another --workdir."
            )
        old = configs.from_json((self.path / CONFIG).read_text(), task.default_config())
        found = [
            f"  config.{name}: {there!r} there, {asked!r} asked for"
            for name, there, asked in configs.differences(old, task.config)
            if not task.may_change(name, there, asked)
        ]
        if found:
            raise ValueError(
                "`workdir` must be new or hold a run with this configuration. "
                f"{self.path / CONFIG} differs in:\n" + "\n".join(found) + "\nChoose another "
                "--workdir to train anew, or set these to the run's values to resume it."
            )

    def write_config(self, task):
        """Keeps a task's config and what it knows of its data."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path / CONFIG, configs.to_json(task.config))
        facts = {"task": task.name, **task.facts.to_dict()}
        write_atomically(self.path / DATA, json.dumps(facts, indent=2))

    def config(self, default):
        """The run's config; see `recipes.config.from_json`."""
        if not (self.path / CONFIG).is_file():
            raise ValueError(
                f"`workdir` must be the folder of a run. Received: workdir={self.path}, without "
                f"{CONFIG}"
            )
        return configs.from_json((self.path / CONFIG).read_text(), default)

    def facts(self, task):
        """What the run knows of its data as a `dict`, or `None` for a run of version 0.1.

        Raises:
            ValueError: If it is a run of another task than the one of this name.
        """
        path = self.path / DATA
        if not path.is_file():
            return None
        facts = json.loads(path.read_text())
        of = facts.pop("task")
        if of != task:
            raise ValueError(
                f"`workdir` must be the folder of a run of {task}. Received: workdir={self.path}, "
                f"a run of {of}: use python -m recipes.{of}"
            )
        return facts

    def has_models(self):
        """Whether a training has left anything that could be lost."""
        models = [self.path / f"{name}.keras" for name in ("best", "last")]
        return any(path.exists() for path in models) or bool(
            list((self.path / FOLDER).glob("[0-9]*.json"))
        )

    def states(self):
        """The states that training resumes from."""
        return RunStates(self.path / FOLDER)

    def checkpoint(self, which="best"):
        """Path of `best.keras` or `last.keras`; `ValueError` if it is not there."""
        path = self.path / f"{which}.keras"
        if not path.is_file():
            raise ValueError(
                f"{path} is not there: train first, or choose --checkpoint=best or last."
            )
        return path

    def load(self, which="best"):
        """The model of a checkpoint, which is used and not trained.

        Args:
            which: `"best"` or `"last"`.
        """
        path = self.checkpoint(which)
        try:
            model = keras.models.load_model(path, compile=False)
        except Exception as error:  # damaged and foreign files raise errors of many kinds
            raise ValueError(f"{path} cannot be loaded: {error}") from error
        model.jit_compile = False  # images come in many sizes
        return model
