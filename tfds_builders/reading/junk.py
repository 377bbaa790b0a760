"""Files that operating systems leave among images."""

import pathlib

_NAMES = {
    *(".ds_store", ".spotlight-v100", ".trashes", ".fseventsd", "__macosx", ".apdisk"),
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", ".directory", "lost+found", ".ipynb_checkpoints", ".gitkeep"),
}


def is_junk(path):
    """Whether a path leads to, or into, what nobody means to be in a data set.

    Args:
        path: Path relative to the data set's folder, with slashes.

    Example:

    >>> from tfds_builders.reading import is_junk
    >>> is_junk("rgb/.DS_Store"), is_junk("rgb/._1.png"), is_junk("rgb/1.png")
    (True, True, False)
    """
    parts = pathlib.PurePosixPath(path).parts
    return any(part.startswith("._") or part.lower() in _NAMES for part in parts)
