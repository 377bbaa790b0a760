"""A zip or a folder of the same layout, read alike."""

import contextlib
import functools
import os
import pathlib
import shutil
import tempfile
import weakref
import zipfile
import zlib

from tfds_builders.reading.decode_image import decode_image
from tfds_builders.reading.inside_folder import check_inside, path_inside
from tfds_builders.reading.junk import is_junk
from tfds_builders.reading.limits import MAX_MEMBER_BYTES, check_free_space, check_member_size
from tfds_builders.reading.safe_member import safe_member

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


class _Archive:
    """What zips and folders share. Members are named by paths with slashes."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def name(self, member):
        """What a member is called in errors."""
        return f"{self.path}, member {member}"

    def error(self, member, message):
        """A `ValueError` that names archive and member."""
        return ValueError(f"{self.name(member)}: {message}")

    def read_image(self, member, is_label=False):
        """Decodes a member, see `decode_image`. Errors name archive and member."""
        return decode_image(self.read(member), self.name(member), is_label)

    def require(self, members):
        """Raises a `ValueError` if one of the members is missing. Nothing is decoded."""
        for member in members:
            if member not in self:
                raise self.error(member, "there is no such member.")

    def __repr__(self):
        return f"{type(self).__name__}({str(self.path)!r})"


class FolderArchive(_Archive):
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


class ZipArchive(_Archive):
    """The members of a zip. May be pickled, so that Beam can send it to its workers.

    Args:
        path: The zip.

    Raises:
        ValueError: All methods: if there is no such zip, it is damaged, a member's path leaves
            it, or a member is missing, damaged or would unpack to more than its limit; the message
            names zip and member.
    """

    @functools.cached_property
    def _zip(self):
        try:
            file = zipfile.ZipFile(self.path)
        except FileNotFoundError as error:
            raise ValueError(f"{self.path}: there is no such file.") from error
        except _DAMAGED as error:
            raise ValueError(
                f"{self.path}: is no complete zip: {error}. Download it again."
            ) from error
        for name in file.namelist():
            self._check(name)
        return file

    def __reduce__(self):
        return type(self), (self.path,)

    def _check(self, member):
        try:
            return safe_member(member)
        except ValueError as error:
            raise self.error(member, error) from None

    @functools.cached_property
    def _infos(self):
        return {
            safe_member(info.filename): info for info in self._zip.infolist() if not info.is_dir()
        }

    def __contains__(self, member):
        return self._check(member) in self._infos

    def members(self, folder=""):
        """Sorted paths of all members below a folder of the archive, or of the whole archive.

        What operating systems leave there (`is_junk`) is not among them.
        """
        top = f"{self._check(folder)}/" if folder else ""
        return sorted(name for name in self._infos if name.startswith(top) and not is_junk(name))

    def _size(self, member, limit):
        """The size that the zip declares, which must be within the limit.

        `zipfile` gives no more than what is declared, then compares the checksum. It unpacks
        deflated data piece by piece; of the other methods one piece may fill the memory.
        """
        self.require([member])
        info = self._infos[self._check(member)]
        try:
            check_member_size(info.file_size, limit)
        except ValueError as error:
            raise self.error(member, error) from None
        if info.compress_type not in _METHODS:
            raise self.error(member, "must be stored or deflated. Unpack the zip; use the folder.")
        return info.file_size

    @contextlib.contextmanager
    def _open(self, member):
        try:
            with self._zip.open(self._infos[self._check(member)]) as file:
                yield file
        except _DAMAGED as error:
            raise self.error(member, f"cannot be read: {error}") from error

    def read(self, member):
        """The bytes of a member, at most `MAX_MEMBER_BYTES`."""
        self._size(member, MAX_MEMBER_BYTES)
        with self._open(member) as file:
            return file.read()

    @functools.cached_property
    def _unpacked(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def local_path(self, member, limit=MAX_MEMBER_BYTES):
        """Path of a temporary file that holds the member, for as long as this object lives.

        Args:
            member: The member.
            limit: How many bytes it may unpack to.
        """
        path = self._unpacked / self._check(member)
        if not path.exists():
            size = self._size(member, limit)
            try:
                check_free_space(size, self._unpacked)
            except ValueError as error:
                raise self.error(member, error) from None
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            with self._open(member) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            part.rename(path)
        return path


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
