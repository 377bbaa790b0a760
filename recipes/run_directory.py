"""The folder of a run: it remembers its configuration and refuses another one."""

import json
import pathlib

import ml_collections

from keras_asym.training import write_atomically

CONFIG = "config.json"


def open_run(workdir, config):
    """Creates the folder of a run, or opens it again for the same configuration.

    Args:
        workdir: Folder of the run.
        config: The run's `ConfigDict`.

    Returns:
        The folder as a path.

    Raises:
        ValueError: If the folder holds a run with another configuration; names the differences.
    """
    workdir = pathlib.Path(workdir)
    if workdir.exists() and not workdir.is_dir():
        raise ValueError(f"`workdir` must be a folder. Received: workdir={workdir}, a file")
    text = config.to_json(sort_keys=True, indent=2)
    path = workdir / CONFIG
    if path.is_file():
        differences = list(_differences(json.loads(path.read_text()), json.loads(text)))
        if differences:
            raise ValueError(
                f"`workdir` must be new or hold a run with this configuration. {path} differs in:\n"
                + "\n".join(f"  {line}" for line in differences)
                + "\nChoose another --workdir, or delete this one."
            )
    else:
        others = [p.name for p in workdir.iterdir()] if workdir.exists() else []
        if "last.keras" in others or "best.keras" in others:
            raise ValueError(
                f"`workdir` holds checkpoints but no {CONFIG}: {workdir}. Choose another --workdir."
            )
        workdir.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    return workdir


def read_config(workdir):
    """The `ConfigDict` of the run in a folder.

    Raises:
        ValueError: If there is no run.
    """
    path = pathlib.Path(workdir) / CONFIG
    if not path.is_file():
        raise ValueError(
            f"`workdir` must be the folder of a run. Received: workdir={workdir}, without {CONFIG}"
        )
    return ml_collections.ConfigDict(json.loads(path.read_text()))


def checkpoint_path(workdir, which="best"):
    """Path of `best.keras` or `last.keras`; `ValueError` if it is not there."""
    path = pathlib.Path(workdir) / f"{which}.keras"
    if not path.is_file():
        raise ValueError(f"{path} is not there: train first, or choose --checkpoint=best or last.")
    return path


def _differences(old, new, prefix="config"):
    for key in sorted(set(old) | set(new)):
        name = f"{prefix}.{key}"
        if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
            yield from _differences(old[key], new[key], name)
        elif old.get(key) != new.get(key):
            yield f"{name}: {old.get(key)!r} there, {new.get(key)!r} asked for"
