import gc
import shutil
import zipfile

import pytest

from tfds_builders.reading import MAX_MEMBER_BYTES, ZipArchive


def test_unpacked_members_go_with_the_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("top/b.txt", "hello")
    archive = ZipArchive(tmp_path / "a.zip")
    path = archive.local_path("top/b.txt")
    assert path.exists()
    del archive
    gc.collect()
    assert not path.exists()


def test_damaged_zips(tmp_path):
    path = tmp_path / "a.zip"
    with pytest.raises(ValueError, match=r"a\.zip: there is no such file"):
        ZipArchive(path).members()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("b.txt", "hello" * 100)
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    with pytest.raises(ValueError, match=r"a\.zip: is no complete zip.*Download it again"):
        ZipArchive(path).members()
    position = data.index(b"hello") + 7
    path.write_bytes(data[:position] + b"?" + data[position + 1 :])
    with pytest.raises(ValueError, match=r"a\.zip, member b\.txt: cannot be read: Bad CRC-32"):
        ZipArchive(path).read("b.txt")
    archive = ZipArchive(path)
    for _ in range(2):  # the second call must not find the rest of the first
        with pytest.raises(ValueError, match=r"a\.zip, member b\.txt: cannot be read: Bad CRC-32"):
            archive.local_path("b.txt")


def test_zip_with_a_member_that_leaves_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("top/../../b.txt", "hello")
    with pytest.raises(ValueError, match=r"a\.zip, member top/\.\./\.\./b\.txt: paths must be rel"):
        ZipArchive(tmp_path / "a.zip").members()


def zeros(path, size, declared=None, compression=zipfile.ZIP_DEFLATED):
    """A zip with a member of zeros, perhaps of another size than it declares."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("b.png", bytes(size))
    if declared is not None:
        sizes = (n.to_bytes(4, "little") for n in (size, declared))
        path.write_bytes(path.read_bytes().replace(*sizes))
    return ZipArchive(path)


def test_members_that_unpack_to_too_much(tmp_path):
    archive = zeros(tmp_path / "a.zip", 5_000_000, declared=MAX_MEMBER_BYTES + 1)
    for call in (archive.read, archive.read_image, archive.local_path):
        with pytest.raises(
            ValueError, match=rf"a\.zip, member b\.png: has {MAX_MEMBER_BYTES + 1} bytes .* allowed"
        ):
            call("b.png")
    assert not list(archive._unpacked.iterdir())
    # Each reader says how much it expects.
    archive = zeros(tmp_path / "c.zip", 100)
    with pytest.raises(ValueError, match=r"member b\.png: has 100 bytes .* 99 are allowed"):
        archive.local_path("b.png", limit=99)
    assert archive.local_path("b.png", limit=100).read_bytes() == bytes(100)


def test_members_that_declare_less_than_they_hold(tmp_path):
    archive = zeros(tmp_path / "a.zip", 5_000_000, declared=9)
    for call in (archive.read, archive.local_path):
        with pytest.raises(ValueError, match=r"a\.zip, member b\.png: cannot be read: Bad CRC-32"):
            call("b.png")
        assert sum(file.stat().st_size for file in archive._unpacked.iterdir()) <= 9


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_which_one_piece_may_fill_the_memory(tmp_path, compression):
    archive = zeros(tmp_path / "a.zip", 99, compression=compression)
    with pytest.raises(ValueError, match=r"member b\.png: must be stored or deflated"):
        archive.read("b.png")


def test_full_disk(tmp_path, monkeypatch):
    archive = zeros(tmp_path / "a.zip", 99)
    usage = shutil.disk_usage(tmp_path)._replace(free=98)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ValueError, match=r"member b\.png: needs 99 bytes in .* 98 .* Set TMPDIR"):
        archive.local_path("b.png")
