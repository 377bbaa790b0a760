"""Writing files so that a crash leaves the old one or the new one."""

import contextlib
import errno
import hashlib
import os
import pathlib
import shutil
import tempfile


@contextlib.contextmanager
def replaced(path):
    """A binary file to write to, which takes the place of `path` when it is whole.

    It is written aside, brought to the disk (fsync) and renamed. An error leaves `path` as it was.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.writing")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk does not say where
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def new_folder(path):
    """The name of a folder to make and fill, which gets the name `path` when it is whole.

    It is filled aside, brought to the disk and renamed. The folders around it are made. An error,
    also that `path` is there and not empty, leaves nothing else behind.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The folder inside has the permissions of any new folder; that of `tempfile` is private.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.writing-", dir=path.parent) as aside:
        temporary = pathlib.Path(aside) / path.name
        yield temporary
        for entry in (temporary, *temporary.rglob("*")):
            if entry.is_dir():
                sync_folder(entry)
            else:
                sync_file(entry)
        os.replace(temporary, path)
    sync_folder(path.parent)


def write_atomically(path, content):
    """Writes text or bytes so that a reader sees the old or the new file, never half of it."""
    with replaced(path) as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def link_or_copy(source, target):
    """A second name for a file, or a copy of it where the file system has no hard links.

    Args:
        source: The file, which is on the disk.
        target: The new name, which must not be there.
    """
    try:
        os.link(source, target)
    except (OSError, NotImplementedError):
        # Not every file system tells this from another error; copying then says what it is.
        shutil.copyfile(source, target)
        sync_file(target)


def sha256_of(path):
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path):
    """Brings the contents of a file to the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder):
    """Brings renamed and removed names of a folder to the disk, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)
