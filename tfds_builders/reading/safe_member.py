"""The path of a member of an archive, which must not leave it."""

import pathlib
import posixpath
import re

_DRIVE = re.compile(r"[A-Za-z]:/")


def safe_member(name):
    """Checks a path that came out of an archive or a list.

    Args:
        name: The path, relative to the folder or the archive. Backslashes count as slashes.

    Returns:
        The path with slashes, without `.` and doubled slashes.

    Raises:
        ValueError: If the path is empty, absolute, or leaves the folder.

    Example:

    >>> from tfds_builders.reading import safe_member
    >>> safe_member("rgb//000003.png")
    'rgb/000003.png'
    """
    inside = posixpath.normpath(name.replace("\\", "/"))
    if (
        not name.strip()
        or inside == "."
        or inside.split("/")[0] in ("..", "")
        or _DRIVE.match(inside)
        or pathlib.PurePath(name).is_absolute()
    ):
        raise ValueError(f"paths must be relative and stay inside the folder. Received: {name!r}")
    return inside
