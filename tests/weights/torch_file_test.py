import re
import zipfile

import numpy as np
import pytest

from keras_asym.weights import read_state_dict
from tests.helpers import images
from tests.weights.npz_test import declare

torch = pytest.importorskip("torch")

STATE = {"conv1.weight": torch.from_numpy(images(4, 3, 2, 2))}
OLD, NEW = b"numpy.core.multiarray\n", b"numpy._core.multiarray\n"


def rewritten(path, change):
    """Changes the pickle of a PyTorch file."""
    with zipfile.ZipFile(path) as file:
        members = {member.filename: file.read(member) for member in file.infolist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, change(content) if name.endswith("data.pkl") else content)


class Call:
    """Pickles as the call of a function, which loading makes."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("spelling", [OLD, NEW], ids=["numpy1", "numpy2"])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
def test_numpy_scalars_beside_the_weights(spelling, zipped, tmp_path):
    """Published programs store their best score as a `numpy.float64`."""
    scores = [np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True), np.float16(1)]
    checkpoint = {"segmenter": STATE, "epoch_start": 3, "best_val": scores}
    path = tmp_path / "model-best.pth.tar"
    torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)
    if zipped:
        rewritten(path, lambda content: re.sub(b"numpy\\._?core\\.multiarray\n", spelling, content))
    else:
        content = path.read_bytes()
        path.write_bytes(re.sub(b"numpy\\._?core\\.multiarray\n", spelling, content))
        assert spelling in path.read_bytes()
    allowed = set(torch.serialization.get_safe_globals())
    found = read_state_dict(path)
    assert list(found) == ["conv1.weight"]
    np.testing.assert_array_equal(found["conv1.weight"], STATE["conv1.weight"])
    assert set(torch.serialization.get_safe_globals()) == allowed  # more, for this file only


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (np.ones(3), "numpy._core.multiarray._reconstruct"),
        (Call(eval, "1"), "eval"),
        (Call(np.zeros, 2**40), "numpy.zeros"),
        (Call(np.dtypes.Float64DType), "numpy.dtypes.Float64DType"),
        (Call(exit), "Quitter"),
    ],
    ids=["array", "eval", "zeros", "dtype class", "exit"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
def test_any_other_global_is_named(value, name, zipped, tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"w": STATE, "x": value}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=rf"a\.pth cannot be read: .*{name}.*would run code"):
        read_state_dict(path)


def test_a_module_that_pytorch_blocks_is_named(tmp_path):
    import os

    torch.save({"x": Call(os.mkdir, str(tmp_path / "made"))}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"\w+\.mkdir, and to load that would run code"):
        read_state_dict(tmp_path / "a.pth")
    assert not (tmp_path / "made").exists()


def test_a_scalar_that_asks_for_memory_gets_none(tmp_path):
    """`numpy.dtype("V2000000000")` and its scalar are not made."""
    scalar = Call(np._core.multiarray.scalar, Call(np.dtype, "V2000000000"))
    torch.save({"w": [scalar] * 1000}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="holds no arrays"):
        read_state_dict(tmp_path / "a.pth")


def test_a_tensor_that_says_it_is_far_larger_than_its_storage(tmp_path):
    state = {**STATE, "w": torch.ones(1).expand(2**40)}
    torch.save(state, tmp_path / "a.pth")
    assert (tmp_path / "a.pth").stat().st_size < 5000
    with pytest.raises(ValueError, match=r"a\.pth cannot be read: .*'w' alone would take 4,398"):
        read_state_dict(tmp_path / "a.pth")


def test_many_tensors_of_one_storage(tmp_path):
    half = torch.ones(2**20, dtype=torch.bfloat16)  # float32 arrays would not share it
    torch.save({f"w{i}": half[i:] for i in range(100)}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"its arrays would take 4\d\d,\d\d\d,\d\d\d bytes"):
        read_state_dict(tmp_path / "a.pth")


def test_an_expanded_tensor_of_a_usual_size_is_read(tmp_path):
    torch.save({"w": torch.full((1,), 2.0).expand(64)}, tmp_path / "a.pth")
    np.testing.assert_array_equal(read_state_dict(tmp_path / "a.pth")["w"], np.full(64, 2.0))


def test_a_size_beyond_the_storage(tmp_path):
    rebuild = torch._utils._rebuild_tensor_v2
    with pytest.warns(UserWarning, match="TypedStorage"):
        storage = torch.ones(4).storage()
    call = Call(rebuild, storage, 0, (2**40,), (1,), False, {})
    torch.save({"w": call}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth cannot be read"):
        read_state_dict(tmp_path / "a.pth")


def test_records_that_inflate(tmp_path):
    torch.save({"w": torch.ones(1001)}, tmp_path / "a.pth")
    declare(tmp_path / "a.pth", 4004, 270 * 2**20)
    with pytest.raises(ValueError, match=r"'.*data/0' alone would take 283,115,520"):
        read_state_dict(tmp_path / "a.pth")


@pytest.mark.parametrize("kind", ["sparse", "meta", "quantized"])
def test_what_is_no_plain_tensor_is_named(kind, tmp_path):
    if kind == "sparse":
        tensor = torch.eye(3).to_sparse()
    elif kind == "meta":
        tensor = torch.ones(2**30, device="meta")
    else:
        with pytest.warns(UserWarning):
            tensor = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
            torch.save({"w": tensor}, tmp_path / "a.pth")
    if kind != "quantized":
        torch.save({"w": tensor}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth cannot be read.*'w'"):
        read_state_dict(tmp_path / "a.pth")
