import numpy as np
import pytest
import scipy.io

from tests.tfds_builders.nyudv2_rgbd.official_files import MAP_CLASS
from tfds_builders.nyudv2_rgbd import CLASS_NAMES_13, CLASS_NAMES_40
from tfds_builders.nyudv2_rgbd.label_tables import thirteen_of_forty, train_ids

# The numbers of the public class13Mapping.mat.
NUMBERS = """
12 5 6 1 4 9 10 12 13 6 8 6 13 10 6 13 6 7 7 5 7 3 2 6 11 7 7 7 7 7 7 6 7 7 7 7 7 7 6 7
"""
MAPPING_13 = [int(number) for number in NUMBERS.split()]


def write_13(folder, numbers):
    names = np.array([["Bed", "Books"]], object)
    content = {"labels13": np.array([numbers], np.uint8), "labels13names": names}
    scipy.io.savemat(folder / "class13Mapping.mat", {"classMapping13": content})


def test_thirteen_classes():
    assert len(CLASS_NAMES_40) == 40 and CLASS_NAMES_40[:4] == ("wall", "floor", "cabinet", "bed")
    assert len(CLASS_NAMES_13) == 13 and CLASS_NAMES_13[11] == "wall"
    table = thirteen_of_forty()
    assert table.dtype == np.uint8
    assert (table + 1).tolist() == MAPPING_13


def test_mapping_of_the_folder_goes_first(tmp_path):
    assert (thirteen_of_forty(tmp_path) + 1).tolist() == MAPPING_13
    numbers = [i % 13 + 1 for i in range(40)]
    write_13(tmp_path, numbers)
    assert (thirteen_of_forty(tmp_path) + 1).tolist() == numbers
    for wrong in (numbers[:-1], [14, *numbers[1:]]):
        write_13(tmp_path, wrong)
        with pytest.raises(ValueError, match=r"class13Mapping\.mat: classMapping13 must hold 40"):
            thirteen_of_forty(tmp_path)


def test_train_ids(tmp_path):
    with pytest.raises(ValueError, match=r"classMapping40\.mat: there is no such file"):
        train_ids(tmp_path, 40)
    scipy.io.savemat(tmp_path / "classMapping40.mat", {"mapClass": MAP_CLASS[None]})
    table = train_ids(tmp_path, 40)
    assert table.dtype == np.uint8 and table.shape == (895,) and table[0] == 255
    np.testing.assert_array_equal(table[1:], MAP_CLASS - 1)
    table = train_ids(tmp_path, 13)
    assert table[0] == 255
    np.testing.assert_array_equal(table[1:] + 1, np.array(MAPPING_13)[MAP_CLASS - 1])


@pytest.mark.parametrize("mapping", [MAP_CLASS[:-1], MAP_CLASS - 1, MAP_CLASS + 1])
def test_wrong_mapping(tmp_path, mapping):
    scipy.io.savemat(tmp_path / "classMapping40.mat", {"mapClass": mapping[None]})
    with pytest.raises(ValueError, match=r"classMapping40\.mat: mapClass must hold 894 numbers in"):
        train_ids(tmp_path, 40)
