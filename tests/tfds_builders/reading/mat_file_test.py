import h5py
import numpy as np
import pytest
import scipy.io

from tfds_builders.reading import hdf5_variable, load_mat, mat_file, open_hdf5


def test_load_mat(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.arange(3), "y": "hello"})
    data = (tmp_path / "a.mat").read_bytes()
    y, x = load_mat(data, "a.mat", ["y", "x"])
    assert y[0] == "hello" and x.tolist() == [[0, 1, 2]]
    with pytest.raises(ValueError, match=r"^a\.mat: must hold the variable z. Received: \['x', 'y"):
        load_mat(data, "a.mat", ["x", "z"])
    for damaged in (b"", data[:100], data[:-20]):
        with pytest.raises(ValueError, match=r"^a\.mat: cannot be read as MATLAB file"):
            load_mat(damaged, "a.mat", ["x"])


@pytest.mark.parametrize("order", ["<", ">"])
def test_variables_that_unpack_to_too_much(tmp_path, monkeypatch, order):
    zeros = np.zeros(3_000_000, np.uint8)
    scipy.io.savemat(tmp_path / "a.mat", {"x": 1, "y": zeros}, do_compression=True)
    data = (tmp_path / "a.mat").read_bytes()
    assert len(data) < 10_000
    assert load_mat(data, "a.mat", ["y"])[0].shape == (1, 3_000_000)
    if order == ">":  # the sizes' byte order alone matters here
        data = data[:126] + b"MI" + data[128:]
        first = int.from_bytes(data[132:136], "little")
        for place in (128, 132, 136 + first, 140 + first):
            data = data[:place] + data[place : place + 4][::-1] + data[place + 4 :]
    monkeypatch.setattr(mat_file, "MAX_MAT_BYTES", 2_999_999)
    with pytest.raises(ValueError, match=r"^a\.mat: cannot be .* more than 2999999 bytes"):
        load_mat(data, "a.mat", ["y"])


def test_hdf5(tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w") as file:
        file["struct/x"] = np.zeros((200, 30))
    with open_hdf5(path) as file:
        assert hdf5_variable(file, path, "struct/x").shape == (200, 30)
        for variable in ("y", "struct", "struct/y"):
            with pytest.raises(ValueError, match=rf"a\.mat: must hold the variable {variable}\. "):
                hdf5_variable(file, path, variable)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"^b: is no complete MATLAB file"), open_hdf5(path, "b"):
        pass
    with (
        pytest.raises(ValueError, match=r"c\.mat: there is no such file"),
        open_hdf5(tmp_path / "c.mat"),
    ):
        pass
