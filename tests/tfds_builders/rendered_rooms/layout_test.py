import itertools

import numpy as np
import pytest

from tfds_builders.rendered_rooms.layout import Layout

SIZE = (4.5, 5.0, 2.6)
CAMERA = (2.2, 0.3, 1.5)


@pytest.fixture
def layout():
    return Layout(np.random.default_rng(0), SIZE, CAMERA, 0.0)


def test_stretches_of_wall_do_not_overlap(layout):
    taken = []
    for _ in range(30):
        along = layout.reserve_wall("back", 0.7, 0.0, 2.0)
        if along is not None:
            taken.append(along)
    assert len(taken) >= 3
    assert all(abs(a - b) > 0.7 for a, b in itertools.combinations(taken, 2))
    assert max(np.abs(taken)) + 0.35 < SIZE[0] / 2


def test_what_is_higher_than_the_room_finds_no_place(layout):
    assert layout.reserve_wall("back", 0.7, 1.0, 1.9) is None


def test_furniture_does_not_overlap_nor_stand_before_a_door(layout):
    door = layout.reserve_wall("back", 0.9, 0.0, 2.0)
    spots = [layout.against_wall(0.8, 0.5, 1.0) for _ in range(20)]
    spots = [spot for spot in spots if spot is not None]
    assert len(spots) >= 3
    for x, y, yaw in spots:
        assert 0 <= x <= SIZE[0] and 0 <= y <= SIZE[1]
        if yaw == 0:
            assert abs(x - SIZE[0] / 2 - door) >= 0.85
    for (x, y, _), (a, b, _) in itertools.combinations(spots, 2):
        assert abs(x - a) > 0.5 or abs(y - b) > 0.5


def test_a_full_room_gives_none(layout):
    spots = [layout.free_standing(1.5, 1.5) for _ in range(20)]
    assert spots[0] is not None and spots[-1] is None
