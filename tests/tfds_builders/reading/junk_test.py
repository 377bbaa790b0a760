import zipfile

import pytest

from tfds_builders.reading import FolderArchive, ZipArchive, is_junk

JUNK = ["top/.DS_Store", "top/a/Thumbs.db", "top/a/._1.png", "__MACOSX/top/1.png", "a/desktop.ini"]


@pytest.mark.parametrize("path", JUNK)
def test_junk(path):
    assert is_junk(path)


@pytest.mark.parametrize("path", ["top/1.png", "top/.hidden/1.png", "thumbs/db.png", "a._1.png"])
def test_no_junk(path):
    assert not is_junk(path)


def test_archives_do_not_list_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in (*JUNK, "top/1.png"):
            file.writestr(name, "")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        file.extractall(tmp_path / "folder")
    assert ZipArchive(tmp_path / "a.zip").members() == ["top/1.png"]
    assert FolderArchive(tmp_path / "folder").members("top") == ["top/1.png"]
