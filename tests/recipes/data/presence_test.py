import numpy as np
import pytest

from recipes.data.presence import presence

SENSORS = ("rgb", "depth", "thermal")


@pytest.mark.parametrize(
    ("present", "names", "expected"),
    [
        ((True, False, True), ("rgb", "depth"), [True, False]),
        ((True, False, True), ("depth", "thermal", "rgb"), [False, True, True]),
        ((False, False, True), ("rgb", "sonar"), [False, True]),  # nothing is said of the sonar
        ((True, False, True), ("depth",), [True]),  # never none
        ((False, False, True), ("rgb", "depth"), [True, True]),
    ],
)
def test_columns_go_by_their_names_and_one_is_always_there(present, names, expected):
    assert presence(np.array(present), SENSORS, names).numpy().tolist() == expected
