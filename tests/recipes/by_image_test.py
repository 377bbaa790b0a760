import numpy as np

from recipes.by_image import read_by_image, write_by_image


def test_round_trip(tmp_path):
    assert read_by_image(tmp_path) == {}
    parts = {"rgb": np.arange(6).reshape(2, 3), "ensemble": np.ones((2, 1))}
    write_by_image(tmp_path, parts)
    found = read_by_image(tmp_path)
    assert list(found) == list(parts)
    for key, value in parts.items():
        np.testing.assert_array_equal(found[key], value)
