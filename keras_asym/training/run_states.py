import contextlib
import hashlib
import json
import pathlib
import warnings

import numpy as np

from keras_asym.files import replaced, sync_folder, write_atomically


class RunStates:
    """The newest two states of a run, as files that survive a crash at any moment.

    A state is `NAME.npz`, which any NumPy reads, and `NAME.json` with its SHA-256 and the position
    in the run. Both are written aside, brought to the disk and renamed, the second one last: a
    state without it does not count. The state before is removed after that.

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
        name = f"{position['step']:09d}-{position['epochs']:06d}"
        manifest = self.folder / f"{name}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            manifest.unlink(missing_ok=True)
            with replaced(self.folder / f"{name}.npz") as file:
                np.savez(file, **arrays)
            digest = _sha256(self.folder / f"{name}.npz")
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
                position = json.loads((self.folder / f"{name}.json").read_text())
                if _sha256(path) != position.pop("sha256"):
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
        return sorted(path.stem for path in self.folder.glob("[0-9]*.json"))

    def _keep(self, name):
        """Removes everything but a state and the one before it."""
        before = [other for other in self._names() if other < name][-1:]
        for path in self.folder.iterdir():
            if path.stem not in (name, *before):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        sync_folder(self.folder)


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
