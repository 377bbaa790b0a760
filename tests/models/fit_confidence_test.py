import sys

import numpy as np
import pytest

from keras_asym.models import fit_confidence


def drawn(slopes, offsets, pixels=200000, temperature=2.0, seed=0):
    """Logits, and labels that are the answered class as often as the lines say."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.normal(size=(pixels, len(slopes)))
    answered, z = logits.argmax(-1), logits / temperature
    powers = np.exp(z - z.max(-1, keepdims=True))
    p = 1 / powers.sum(-1)
    scores = np.take(slopes, answered) * np.log(p / (1 - p)) + np.take(offsets, answered)
    hits = rng.uniform(size=pixels) < 1 / (1 + np.exp(-scores))
    return logits, np.where(hits, answered, (answered + 1) % len(slopes))


def test_finds_what_the_hits_were_drawn_by():
    slopes, offsets = [0.5, 1.0, 1.6], [1.0, -1.0, 0.0]
    found = fit_confidence(*drawn(slopes, offsets), temperature=2.0)
    np.testing.assert_allclose(found, [slopes, offsets], atol=0.1)


def test_neither_offset_nor_parts_matter(monkeypatch):
    logits, labels = drawn([0.5, 1.0, 1.6], [1.0, -1.0, 0.0], 3000)
    expected = fit_confidence(logits, labels)
    monkeypatch.setattr(sys.modules["keras_asym.models.fit_confidence"], "_ROWS", 700)
    np.testing.assert_allclose(fit_confidence(logits + 1e4, labels), expected, rtol=1e-6)


def test_a_class_with_few_pixels_stays_near_to_what_it_says():
    slopes, offsets = fit_confidence(np.array([[3.0, 0.0, 0.0]] * 5), np.zeros(5, int))
    assert slopes[0] == pytest.approx(1, abs=0.05) and offsets[0] == pytest.approx(0, abs=0.05)
    assert (slopes[1:], offsets[1:]) == pytest.approx((1, 0))  # no pixel at all


def test_a_slope_is_not_below_0():
    """The surer, the more often wrong; right three times of five."""
    margins = np.repeat([1.0, 5.0], 5000)
    logits = np.stack([margins, 0 * margins], -1)
    hits = np.concatenate([np.arange(5000) % 10 < 9, np.arange(5000) % 10 < 3])
    slopes, offsets = fit_confidence(logits, np.where(hits, 0, 1))
    assert slopes[0] == 0 and offsets[0] == pytest.approx(np.log(0.6 / 0.4), abs=0.02)


def test_sure_and_always_right_or_wrong():
    logits = np.array([[1e30, 0.0]] * 1000, "float32")
    for label in (0, 1):
        slopes, offsets = fit_confidence(logits, np.full(1000, label))
        assert np.isfinite(slopes).all() and np.isfinite(offsets).all()
        assert (slopes[0] * 24 + offsets[0] > 3) == (label == 0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="leave void pixels out"):
        fit_confidence(np.zeros((2, 3)), np.array([0, 255]))
