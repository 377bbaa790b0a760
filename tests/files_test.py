import errno
import os
import stat

import pytest

from keras_asym.files import link_or_copy, new_folder, replaced, write_atomically


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(OSError, match=f"No space left.*{path}"), replaced(path) as file:
        file.write(b"new")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_file_is_there_when_it_is_whole(tmp_path):
    with replaced(tmp_path / "file") as file:
        file.write(b"new")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_folder_is_there_when_it_is_whole(tmp_path):
    path = tmp_path / "folder"
    with new_folder(path) as folder:
        (folder / "inside").mkdir(parents=True)
        (folder / "inside" / "file").write_bytes(b"new")
        assert not path.exists()
    assert (path / "inside" / "file").read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    (tmp_path / "plain").mkdir()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode  # a server can read it


def test_an_error_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path / "folder") as folder:
        folder.mkdir()
        (folder / "file").write_bytes(b"half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_two_that_write_one_folder_do_not_mix(tmp_path):
    with pytest.raises(OSError), new_folder(tmp_path / "1") as later:
        later.mkdir()
        (later / "later").touch()
        with new_folder(tmp_path / "1") as first:
            first.mkdir()
            (first / "first").touch()
        assert (later / "later").exists()
    assert [entry.name for entry in (tmp_path / "1").iterdir()] == ["first"]


def test_a_second_name_for_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"content")
    link_or_copy(tmp_path / "file", tmp_path / "linked")
    assert (tmp_path / "linked").samefile(tmp_path / "file")

    def link(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    link_or_copy(tmp_path / "file", tmp_path / "copied")
    assert (tmp_path / "copied").read_bytes() == b"content"
    assert not (tmp_path / "copied").samefile(tmp_path / "file")


@pytest.mark.parametrize(("number", "works"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_file_system_that_cannot_bring_folders_to_the_disk(number, works, tmp_path, monkeypatch):
    fsync = os.fsync

    def files_only(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    if works:
        write_atomically(tmp_path / "file", "new")
    else:
        with pytest.raises(OSError, match="Input/output error"):
            write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"
