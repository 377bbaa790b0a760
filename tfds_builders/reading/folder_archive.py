"""A folder as an archive."""

import os
import pathlib

from tfds_builders.reading.archive import Archive
from tfds_builders.reading.inside_folder import check_inside, path_inside
from tfds_builders.reading.junk import is_junk
from tfds_builders.reading.limits import MAX_MEMBER_BYTES


class FolderArchive(Archive):
    """The files below a folder.

    Args:
        path: The folder.

    Raises:
        ValueError: If there is no such folder. All methods: if a member's path leaves the folder,
            by itself or through a symbolic link, or the member is missing or cannot be read; the
            message names folder and member.
    """

    def __init__(self, path):
        super().__init__(path)
        if not self.path.is_dir():
            raise ValueError(f"`path` must be a folder. Received: path={self.path}")

    def _file(self, member):
        try:
            return path_inside(self.path, member)
        except ValueError as error:
            raise self.error(member, error) from None

    def __contains__(self, member):
        return self._file(member).is_file()

    def members(self, folder=""):
        """Sorted paths of all members below a folder of the archive, or of the whole archive.

        What operating systems leave there (`is_junk`) is not among them.
        """
        top = self._file(folder) if folder else self.path
        found = []
        for parent, folders, files in os.walk(top):
            for name in (*folders, *files):
                check_inside(os.path.join(parent, name), self.path)
            found += [pathlib.Path(parent, name) for name in files]
        names = (file.relative_to(self.path).as_posix() for file in found if file.is_file())
        return sorted(name for name in names if not is_junk(name))

    def read(self, member):
        """The bytes of a member."""
        self.require([member])
        try:
            return self._file(member).read_bytes()
        except OSError as error:
            raise self.error(member, f"cannot be read: {error}") from error

    def local_path(self, member, limit=MAX_MEMBER_BYTES):
        """Path of a file that holds the member. Nothing is unpacked here, so `limit` is unused."""
        del limit
        self.require([member])
        return self._file(member)
