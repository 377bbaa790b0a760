import numpy as np
import pytest

from keras_asym.fusion.branches import check_modalities


def test_any_integers_become_pythons():
    found = check_modalities({"rgb": np.int64(3), "depth": 1, "normal": np.uint8(3)})
    assert found == {"rgb": 3, "depth": 1, "normal": 3}
    assert [type(channels) for channels in found.values()] == [int] * 3


@pytest.mark.parametrize("channels", [0, -1, 3.0, "3", None, True, np.float32(3), (8, 8, 3)])
def test_no_number_of_channels(channels):
    with pytest.raises(ValueError, match=r"number of channels of at least 1.*'rgb'"):
        check_modalities({"rgb": channels})


@pytest.mark.parametrize("name", ["ensemble", "present", "", 0, None])
def test_no_name(name):
    with pytest.raises(ValueError, match=r"`modalities` must have names.*Received"):
        check_modalities({"rgb": 3, name: 1})


@pytest.mark.parametrize("modalities", [["rgb", "depth"], "rgb", {}, None, 2])
def test_no_dictionary(modalities):
    with pytest.raises(ValueError, match=r'dictionary of name -> channels, such as \{"rgb": 3'):
        check_modalities(modalities)
