"""A zip or a folder of the same layout, read alike."""

import pathlib

from tfds_builders.reading.folder_archive import FolderArchive
from tfds_builders.reading.zip_archive import ZipArchive


def open_archive(folder, zip_name, folder_name):
    """Opens a downloaded zip, or what it was unpacked to.

    Args:
        folder: The folder with the downloads.
        zip_name: Name of the zip. It is taken if both are there.
        folder_name: Name of the folder that all members of the zip are in. Members are named
            alike in both cases: they begin with this folder.

    Returns:
        A `ZipArchive` or a `FolderArchive`.

    Raises:
        ValueError: If there is neither.

    Example:

    >>> archive = open_archive("downloads", "SUNRGBD.zip", "SUNRGBD")
    >>> data = archive.read("SUNRGBD/kv1/NYUdata/NYU0001/image/NYU0001.jpg")
    """
    folder = pathlib.Path(folder)
    if (folder / zip_name).is_file():
        return ZipArchive(folder / zip_name)
    if (folder / folder_name).is_dir():
        return FolderArchive(folder)
    raise ValueError(f"{folder}: must hold {zip_name}, or the folder {folder_name} unpacked of it.")
