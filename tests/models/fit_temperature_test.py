import sys

import numpy as np
import pytest

from keras_asym.models import fit_temperature
from keras_asym.models.fit_temperature import HIGHEST, LOWEST


def nll(logits, labels, temperature):
    z = logits / temperature
    z = z - z.max(-1, keepdims=True)
    return (np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, labels[:, None], -1)[:, 0]).mean()


def drawn(temperature, pixels=4000, classes=5, seed=0):
    """Logits, and labels drawn by their probabilities at a temperature."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.normal(size=(pixels, classes))
    noise = rng.gumbel(size=logits.shape)
    return logits, (logits / temperature + noise).argmax(-1)


def test_by_hand():
    """Right three times of four at a margin of 4: the margin that fits is log 3."""
    logits = np.array([[4.0, 0.0]] * 4)
    assert fit_temperature(logits, np.array([0, 0, 0, 1])) == pytest.approx(4 / np.log(3))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_finds_what_the_labels_were_drawn_by(temperature):
    logits, labels = drawn(temperature)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.1)
    best = min(np.geomspace(found / 1.5, found * 1.5, 401), key=lambda t: nll(logits, labels, t))
    assert found == pytest.approx(best, rel=2e-3)
    assert nll(logits, labels, found) <= nll(logits, labels, best) + 1e-12


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4])
def test_neither_offset_nor_parts_matter(offset, monkeypatch):
    logits, labels = drawn(2.0)
    expected = fit_temperature(logits, labels)
    monkeypatch.setattr(sys.modules["keras_asym.models.fit_temperature"], "_ROWS", 700)
    assert fit_temperature(logits + offset, labels) == pytest.approx(expected, rel=1e-6)


def test_huge_logits():
    logits, labels = drawn(1.0)
    assert fit_temperature(15 * logits, labels) == pytest.approx(
        15 * fit_temperature(logits, labels), rel=1e-5
    )
    assert fit_temperature(1e30 * logits.astype("float32"), labels) == HIGHEST


def test_ends_in_bounds_where_there_is_no_best_one():
    logits = np.array([[3.0, 0.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == LOWEST
    assert fit_temperature(logits, np.array([1, 0])) == HIGHEST
    assert fit_temperature(np.zeros((3, 2)), np.array([1, 0, 1])) == HIGHEST


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros((2, 3)), np.array([0]), r"\(pixels, num_classes\)"),
        (np.zeros((0, 3)), np.zeros(0, int), "at least one"),
        (np.zeros((2, 3)), np.array([0, 255]), "leave void pixels out.*0..255"),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), "must be classes"),
        (np.array([[0.0, np.inf]]), np.array([0]), "must be finite"),
    ],
)
def test_what_does_not_fit_is_refused(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(logits, labels)
