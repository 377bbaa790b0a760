"""Two sensors with nothing in common but their outlines."""

import numpy as np
import pytest

from tests.tfds_builders.validate.faulty_folders import noise, regions
from tfds_builders.validate.alignment import Alignment
from tfds_builders.validate.example import Example

COUNT = 16
SIZE = (80, 96)


def examples(change=lambda image: image, order=None, shuffled=False):
    rng = np.random.default_rng(0)
    one, other = [], []
    for _ in range(COUNT):
        cells = regions(rng, SIZE, 14)
        one.append(rng.integers(0, 256, 14)[cells] + 20 * noise(rng, SIZE, 5))
        other.append(rng.integers(0, 4000, 14)[cells] + rng.normal(0, 60, SIZE))
    order = np.arange(COUNT) if order is None else order
    found = Alignment(("a", "b"))
    for number in rng.permutation(COUNT) if shuffled else range(COUNT):
        images = {"a": one[number], "b": change(other[order[number]])}
        images = {c: image.astype(np.float32)[..., None] for c, image in images.items()}
        found.add(Example("train", str(number), images))
    return found


def test_sensors_in_place_are_no_misfit():
    assert examples().misfits() == ([], [])


@pytest.mark.parametrize("shift", [(8, 0), (0, -8), (-10, 6)])
def test_a_shift_is_measured_in_pixels(shift):
    ((misfit,), _) = examples(lambda image: np.roll(image, shift, (0, 1))).misfits()
    assert misfit.name == "misregistered" and misfit.columns == ("a", "b")
    assert misfit.what == shift


def test_a_shift_of_two_pixels_is_none():
    assert not examples(lambda image: np.roll(image, 2, 1)).misfits()[0]


@pytest.mark.parametrize(
    ("axes", "what"), [(1, "left and right"), (0, "top and bottom"), ((0, 1), "180 degrees")]
)
def test_mirror_images_are_named_by_their_axis(axes, what):
    ((misfit,), _) = examples(lambda image: np.flip(image, axes)).misfits()
    assert (misfit.name, misfit.what) == ("mirrored", what)


@pytest.mark.parametrize("lag", [1, -2, 5])
def test_files_that_are_shifted_are_counted(lag):
    order = (np.arange(COUNT) + lag) % COUNT
    ((misfit,), _) = examples(order=order).misfits()
    assert misfit.name == "wrong_pairing" and misfit.what == -lag


def test_files_that_are_shifted_are_counted_in_a_shuffled_list():
    order = (np.arange(COUNT) + 3) % COUNT
    found = examples(order=order, shuffled=True)
    ((misfit,), _) = found.misfits()
    assert misfit.name == "wrong_pairing" and misfit.what == -3


def test_of_sensors_with_nothing_in_common_nothing_is_said():
    rng = np.random.default_rng(1)
    found, silent = examples(lambda image: rng.normal(size=image.shape)).misfits()
    assert not found and silent == [("a", "b")]


def test_masks_that_could_not_be_read_do_not_stop_the_comparison():
    whole = examples(lambda image: np.flip(image, 1))
    found = Alignment(("a", "label", "b"))
    found._summaries.update(whole._summaries)
    found._fields.update(whole._fields)
    found.names, found._size = whole.names, whole._size
    ((misfit,), _) = found.misfits()
    assert misfit.name == "mirrored"
    found.add(Example("train", "x", {"a": np.zeros((80, 96, 1), np.float32)}))
    assert len(found.names) == COUNT
    images = {c: np.zeros((80, 96, 1), np.float32) for c in "ab"}
    found.add(Example("train", "x", images))
    assert len(found.names) == COUNT + 1
