import json

import numpy as np
import pytest

from keras_asym.weights import read_state_dict

pytest.importorskip("safetensors")


@pytest.fixture
def written(tmp_path):
    def write(entries, data):
        header = json.dumps(
            {
                name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}
                for name, (dtype, shape, offsets) in entries.items()
            }
        ).encode()
        path = tmp_path / "a.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + data)
        return path

    return write


def test_bfloat16_is_read_as_float32(written):
    path = written({"w": ("BF16", [2], [0, 4])}, b"\x80\x3f\x00\xc0")
    array = read_state_dict(path)["w"]
    np.testing.assert_array_equal(array, [1, -2])
    assert array.dtype == "float32"


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [([2**40], [4, 8]), ([2**40], [4, 2**42 + 4]), ([2**20, 2**20], [4, 8]), ([1], [8, 12])],
)
def test_a_shape_that_the_data_do_not_have(shape, offsets, written):
    path = written({"v": ("F32", [1], [0, 4]), "w": ("F32", shape, offsets)}, bytes(8))
    with pytest.raises(ValueError, match=r"a\.safetensors cannot be read: its entry 'w' says"):
        read_state_dict(path)


@pytest.mark.parametrize("header", [b"[]", b"{", b'{"w": 3}', b'{"w": {"dtype": "F32"}}'])
def test_a_header_of_another_kind(header, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match=r"a\.safetensors cannot be read"):
        read_state_dict(path)


def test_a_header_that_is_longer_than_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match=r"a\.safetensors cannot be read.*header would have 1,152"):
        read_state_dict(path)
