import io
import pickle
import zipfile

import numpy as np
import PIL.Image
import pytest

from tfds_builders.reading import FolderArchive, open_archive

DEPTH = np.random.default_rng(0).integers(0, 65536, (30, 40), np.uint16)
MEMBERS = ["top/a/depth.png", "top/a/truncated.png", "top/b.txt"]


def content():
    buffer = io.BytesIO()
    PIL.Image.fromarray(DEPTH).save(buffer, "png")
    data = buffer.getvalue()
    return dict(zip(MEMBERS, [data, data[: len(data) // 2], b"hello"], strict=True))


@pytest.fixture(params=["zip", "folder"])
def archive(request, tmp_path):
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "top_trainval.zip", "w") as file:
            file.mkdir("top")
            for member, data in content().items():
                file.writestr(member, data)
    else:
        for member, data in content().items():
            path = tmp_path / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return open_archive(tmp_path, "top_trainval.zip", "top")


def test_members_are_named_and_read_alike(archive):
    assert archive.members() == MEMBERS
    assert archive.members("top/a") == MEMBERS[:2]
    assert archive.members("to") == []
    assert "top/b.txt" in archive and "top//a/./depth.png" in archive and "top/a" not in archive
    assert archive.read("top/b.txt") == b"hello"
    np.testing.assert_array_equal(archive.read_image("top/a/depth.png")[..., 0], DEPTH)
    path = archive.local_path("top/b.txt")
    assert path.read_bytes() == b"hello" and archive.local_path("top//b.txt") == path
    archive.require(MEMBERS)


def test_pickled(archive):
    assert archive.members() == MEMBERS  # the zip is open
    copy = pickle.loads(pickle.dumps(archive))
    assert copy.read("top/b.txt") == b"hello"


def test_errors_name_archive_and_member(archive):
    for call in (
        archive.read,
        archive.read_image,
        archive.local_path,
        lambda member: archive.require([member]),
    ):
        with pytest.raises(
            ValueError, match=rf"{archive.path}, member top/c.png: there is no such"
        ):
            call("top/c.png")
    with pytest.raises(ValueError, match=rf"{archive.path}, member top/a/truncated.png: cannot be"):
        archive.read_image("top/a/truncated.png")
    for call in (archive.read, archive.members, archive.__contains__):
        with pytest.raises(ValueError, match=r"member top/\.\./\.\./c: paths must be relative"):
            call("top/../../c")


def test_zip_is_taken_before_the_folder(tmp_path):
    (tmp_path / "top").mkdir()
    assert isinstance(open_archive(tmp_path, "a.zip", "top"), FolderArchive)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("top/b.txt", "hello")
    assert open_archive(tmp_path, "a.zip", "top").read("top/b.txt") == b"hello"


def test_neither_zip_nor_folder(tmp_path):
    with pytest.raises(ValueError, match=r"must hold a\.zip, or the folder top unpacked of it"):
        open_archive(tmp_path, "a.zip", "top")
    with pytest.raises(ValueError, match="`path` must be a folder"):
        FolderArchive(tmp_path / "top")
