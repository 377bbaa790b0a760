import contextlib
import json
import pathlib
import re
import warnings

import numpy as np

from keras_asym.files import replaced, sha256_of, sync_folder, write_atomically

_NAME = re.compile(r"(\d{9,})-(\d{6,})")
_FILE = re.compile(rf"\.?{_NAME.pattern}\.(npz|json)(\.writing)?")


class RunStates:
    """The newest two states of a run, as files that survive a crash at any moment.

    A state is `NAME.npz`, which any NumPy reads, and `NAME.json` with its SHA-256 and the position
    in the run. Both are written aside, brought to the disk and renamed, the second one last: a
    state without it does not count. The state before the one before is removed after that. Other
    files in the folder stay.

    Args:
        folder: Where the files lie; made by the first `save`.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def save(self, arrays, position):
        """Writes a state and removes all but the one before.

        Args:
            arrays: `{name: NumPy array}`.
            position: What JSON can hold, with the integers `"step"` and `"epochs"` (finished
                ones), which order the states.

        Raises:
            RuntimeError: If it cannot be written; says why and which state is still good.
        """
        name = _name(position)
        manifest = self.folder / f"{name}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            manifest.unlink(missing_ok=True)
            with replaced(self.folder / f"{name}.npz") as file:
                np.savez(file, **arrays)
            digest = sha256_of(self.folder / f"{name}.npz")
            write_atomically(manifest, json.dumps({"sha256": digest, **position}, indent=2))
            self._keep(name)
        except OSError as error:
            good = [other for other in self._names() if other != name]
            kept = f"{self.folder / good[-1]}.npz is the last good one" if good else "there is none"
            raise RuntimeError(
                f"The state of step {position['step']} could not be written to {self.folder}: "
                f"{error}. Is the disk full or read-only? Of the states before, {kept}."
            ) from error

    def load(self):
        """The newest state that is whole: `(arrays, position)`, or `None`.

        A state that is damaged is passed over with a warning.
        """
        for name in reversed(self._names()):
            path = self.folder / f"{name}.npz"
            try:
                position = _read_manifest(self.folder / f"{name}.json")
                if sha256_of(path) != position.pop("sha256"):
                    raise ValueError("its checksum is another one")
                with np.load(path, allow_pickle=False) as file:
                    return {key: file[key] for key in file.files}, position
            except (OSError, ValueError, KeyError) as error:
                warnings.warn(
                    f"The state {path} is damaged ({error}). Training resumes from the one before.",
                    stacklevel=2,
                )
        return None

    def _names(self):
        """Names of the states that were written to the end, oldest first."""
        names = [path.stem for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem)]
        return sorted(names, key=_order)

    def _keep(self, name):
        """Removes every state but one and the one before it, and what a crash has left behind."""
        before = [other for other in self._names() if _order(other) < _order(name)][-1:]
        kept = [f"{kept}.{end}" for kept in (name, *before) for end in ("npz", "json")]
        for path in self.folder.iterdir():
            if _FILE.fullmatch(path.name) and path.name not in kept:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        sync_folder(self.folder)


def _name(position):
    return f"{position['step']:09d}-{position['epochs']:06d}"


def _order(name):
    """Steps and epochs of a state's name, as numbers: they may have more digits than usual."""
    return [int(number) for number in _NAME.fullmatch(name).groups()]


def _read_manifest(path):
    """Position and SHA-256 of a state; `ValueError` if they are not those of its name."""
    position = json.loads(path.read_text())
    if not isinstance(position, dict):
        raise ValueError(f"{path.name} holds {str(position)[:80]}, and must hold a dictionary")
    for key, kind in (("step", int), ("epochs", int), ("sha256", str)):
        if not isinstance(position.get(key), kind):
            raise ValueError(f"{path.name} has no '{key}' of the kind {kind.__name__}")
    if _name(position) != path.stem:
        raise ValueError(f"{path.name} is of step {position['step']}, epoch {position['epochs']}")
    return position
