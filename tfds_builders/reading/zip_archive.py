"""A zip as an archive."""

import contextlib
import functools
import pathlib
import shutil
import tempfile
import weakref
import zipfile
import zlib

from tfds_builders.reading.archive import Archive
from tfds_builders.reading.junk import is_junk
from tfds_builders.reading.limits import MAX_MEMBER_BYTES, check_free_space, check_member_size
from tfds_builders.reading.safe_member import safe_member

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


class ZipArchive(Archive):
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
