"""Files of a folder, which symbolic links must not leave."""

import os
import pathlib

from tfds_builders.reading.safe_member import safe_member


def check_inside(path, folder):
    """Raises a `ValueError` if symbolic links lead from a path in a folder out of the folder.

    A data set that a stranger packed must not bring other files of this machine into training. The
    folder may be a link itself. Remote paths (`gs://...`) have no links.

    Args:
        path: A path below the folder.
        folder: The folder.

    Returns:
        The path.
    """
    if "://" in os.fspath(folder):
        return path
    top, real = os.path.realpath(folder), os.path.realpath(path)
    if os.path.commonpath([top, real]) != top:
        link = pathlib.Path(path)
        while not link.is_symlink() and link != link.parent:
            link = link.parent
        raise ValueError(
            f"{path}: the symbolic link {link} leads to {real}, out of the folder {folder}. Copy "
            "or mount the files there, or choose a folder that holds both"
        )
    return path


def path_inside(folder, name):
    """Path of a file that a list or an archive names.

    Args:
        folder: The folder.
        name: Its path relative to the folder; backslashes count as slashes.

    Returns:
        `folder / name`, which need not exist.

    Raises:
        ValueError: If the path leaves the folder, by itself or through symbolic links.
    """
    return check_inside(folder / safe_member(name), folder)
