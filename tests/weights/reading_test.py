import os
import pickle
import re

import numpy as np
import pytest

from keras_asym.weights import read_state_dict
from tests.helpers import images

STATE = {"conv1.weight": images(4, 3, 2, 2), "bn1.bias": images(4)}


class Exploit:
    """Pickles as a call, which a loader that is not careful would make."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def tensors():
    torch = pytest.importorskip("torch")
    return torch, {name: torch.from_numpy(array) for name, array in STATE.items()}


def assert_state(state):
    assert list(state) == list(STATE)
    for name, value in STATE.items():
        assert type(state[name]) is np.ndarray
        np.testing.assert_array_equal(state[name], value)


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", **STATE)
    assert_state(read_state_dict(tmp_path / "a.npz"))
    assert_state(read_state_dict(str(tmp_path / "a.npz")))


def test_safetensors(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file(STATE, tmp_path / "a.safetensors")
    state = read_state_dict(tmp_path / "a.safetensors")
    assert_state({name: state[name] for name in STATE})


@pytest.mark.parametrize("name", ["a.pth", "a.pth.tar", "a.pt"])
@pytest.mark.parametrize("nest", [None, "segmenter", "state_dict", "model"])
def test_torch(name, nest, tmp_path):
    torch, state = tensors()
    torch.save({nest: state, "epoch": 7} if nest else state, tmp_path / name)
    assert_state(read_state_dict(tmp_path / name))


def test_torch_old_format(tmp_path):
    torch, state = tensors()
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert_state(read_state_dict(tmp_path / "a.pth"))


def test_torch_parameters_and_low_precision(tmp_path):
    torch, state = tensors()
    state["conv1.weight"] = torch.nn.Parameter(state["conv1.weight"])
    state["half"] = torch.ones(2, dtype=torch.bfloat16)
    state["count"] = torch.tensor(3)
    torch.save(state, tmp_path / "a.pth")
    found = read_state_dict(tmp_path / "a.pth")
    assert found["half"].dtype == "float32" and found["count"].dtype == "int64"
    assert_state({name: found[name] for name in STATE})


@pytest.mark.parametrize("name", ["a.pth", "a.pth.tar"])
def test_nothing_in_a_pickle_is_executed(name, tmp_path):
    torch, _ = tensors()
    path, made = tmp_path / name, tmp_path / "made"
    torch.save({"state_dict": STATE, "x": Exploit(made)}, path)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        read_state_dict(path)
    path.write_bytes(pickle.dumps(Exploit(made)))
    with pytest.raises(ValueError, match="a pickle that holds more than tensors"):
        read_state_dict(path)
    assert not made.exists()
    pickle.loads(path.read_bytes())
    assert made.exists()  # it would have worked


def test_pickled_objects_in_npz(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"a\.npz cannot be read"):
        read_state_dict(tmp_path / "a.npz")


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9])
@pytest.mark.parametrize("suffix", [".npz", ".pth", ".safetensors"])
def test_file_cut_short(suffix, share, tmp_path):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".npz":
        np.savez(path, **STATE)
    elif suffix == ".pth":
        torch, state = tensors()
        torch.save(state, path)
    else:
        pytest.importorskip("safetensors.numpy").save_file(STATE, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} cannot be read"):
        read_state_dict(path)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}])
def test_no_arrays(content, tmp_path):
    torch, _ = tensors()
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth holds no arrays"):
        read_state_dict(tmp_path / "a.pth")


def test_not_a_dictionary(tmp_path):
    torch, _ = tensors()
    torch.save([torch.ones(2)], tmp_path / "a.pth")
    with pytest.raises(ValueError, match="a dictionary of tensors is needed, not list"):
        read_state_dict(tmp_path / "a.pth")


def test_unknown_format_and_missing_file(tmp_path):
    (tmp_path / "a.h5").touch()
    with pytest.raises(ValueError, match=r"must end in \.npz.*a\.h5"):
        read_state_dict(tmp_path / "a.h5")
    with pytest.raises(ValueError, match="which is not there"):
        read_state_dict(tmp_path / "b.npz")


def test_package_that_is_not_installed(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "a.pth").touch()
    with pytest.raises(ImportError, match=r"a\.pth needs the package torch: pip install"):
        read_state_dict(tmp_path / "a.pth")
