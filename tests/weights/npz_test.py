import io
import zipfile

import numpy as np
import pytest

from keras_asym.weights import read_state_dict
from tests.helpers import images


def header(shape, dtype="<f4", version=(1, 0)):
    """The start of an `.npy` file that says that it has a shape and a dtype."""
    file = io.BytesIO()
    write = np.lib.format.write_array_header_1_0
    if version == (2, 0):
        write = np.lib.format.write_array_header_2_0
    write(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def archive(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Asserts that a file is refused, and that no array was read before."""

    def read_array(*args, **kwargs):
        raise AssertionError("an array is read before everything is checked")

    def check(members, match, **kwargs):
        path = archive(tmp_path / "weights.npz", members, **kwargs)
        monkeypatch.setattr(np.lib.format, "read_array", read_array)
        with pytest.raises(ValueError, match=rf"weights\.npz cannot be read: .*{match}"):
            read_state_dict(path)

    return check


def test_arrays_of_every_kind_and_layout(tmp_path):
    arrays = {
        "a": np.asfortranarray(images(3, 4)),
        "b.c": np.float64(2),
        "empty": np.zeros((0, 3), "int8"),
        "words": np.array(["x", "yz"]),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    (tmp_path / "b.npz").write_bytes(b"")
    archive(tmp_path / "b.npz", {"x.npy": header((2,), version=(2, 0)) + bytes(8)})
    found = read_state_dict(tmp_path / "a.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(read_state_dict(tmp_path / "b.npz")["x"], np.zeros(2))


def test_zeros_that_compress_well_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1_000_000, "float32"))
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    assert read_state_dict(tmp_path / "a.npz")["x"].shape == (1_000_000,)


def declare(path, size, other):
    """Overwrites the sizes of a ZIP archive's members that have one size."""
    content = path.read_bytes()
    size, other = size.to_bytes(4, "little"), other.to_bytes(4, "little")
    assert size in content
    path.write_bytes(content.replace(size, other))


def test_a_file_that_inflates_a_thousandfold(tmp_path):
    count = 70 * 2**20
    content = header((count,)) + bytes(1001)
    members = {"a.npy": header((1,)) + bytes(4), "b.npy": content}
    path = archive(tmp_path / "a.npz", members)
    declare(path, len(content), 4 * count)
    with pytest.raises(ValueError, match=r"a\.npz cannot be read: .*'b\.npy' alone .* 293,601,280"):
        read_state_dict(path)


@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**20), (3,), (-1, -4), (5,)])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_a_shape_that_the_data_do_not_have(shape, version, refused):
    content = header(shape, version=version) + bytes(16)
    refused(
        {"a.npy": header((4,)) + bytes(16), "w.npy": content},
        r"entry 'w\.npy' says that it has shape .* float32, which its 16 bytes do not hold",
    )


def test_a_member_that_is_longer_than_it_says(tmp_path):
    content = header((1001,)) + bytes(4004)
    path = archive(tmp_path / "a.npz", {"w.npy": content})
    declare(path, len(content), len(content) - 4000)
    with pytest.raises(ValueError, match=r"a\.npz cannot be read: .*entry 'w\.npy'"):
        read_state_dict(path)


@pytest.mark.parametrize("name", ["notes.txt", "folder/", "w"])
def test_members_that_are_no_arrays(name, refused):
    members = {"a.npy": header((4,)) + bytes(16), name: b"" if name.endswith("/") else b"words"}
    refused(members, f"entry '{name}' is no array")


@pytest.mark.parametrize("content", [b"", b"words", b"\x93NUMPY\x01\x00\xff\xffhalf"])
def test_members_that_only_are_called_arrays(content, refused):
    refused({"a.npy": header((4,)) + bytes(16), "w.npy": content}, r"entry 'w\.npy': ")


def test_python_objects(refused):
    refused({"w.npy": header((1,), "|O") + b"pickle"}, r"entry 'w\.npy' holds Python objects")


def test_a_compression_that_numpy_does_not_write(refused):
    members = {"w.npy": header((4,)) + bytes(16)}
    refused(members, r"'w\.npy' is compressed in a way", compression=zipfile.ZIP_BZIP2)


def test_two_members_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("w.npy", header((1,)) + bytes(4))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("w.npy", header((2,)) + bytes(8))
    with pytest.raises(ValueError, match=r"'w\.npy' is there twice"):
        read_state_dict(tmp_path / "a.npz")
