import numpy as np
import pytest

from keras_asym.metrics import AreaUnderRiskCoverage


def update(metric, log_odds, right):
    """Two classes, the first is answered."""
    labels = np.where(right, 0, 1)[None, None]
    logits = np.stack([np.array(log_odds, "float32"), np.zeros(len(log_odds), "float32")], -1)
    metric.update_state(labels, logits[None, None])


def test_by_hand():
    metric = AreaUnderRiskCoverage()
    update(metric, [1.0, 5.0, 3.0, 2.0], [False, True, False, True])
    assert float(metric.result()) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4, rel=1e-6)
    coverage, risk = metric.curve()
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(risk, [0, 1 / 2, 1 / 3, 1 / 2])


def test_pixels_alike_are_in_random_order():
    """A sure one that is right, then 2 wrong ones among 5 alike: averaged over all orders."""
    metric = AreaUnderRiskCoverage()
    update(metric, [9.0, 1.0, 1.0, 1.0, 1.0, 1.0], [True, False, False, True, True, True])
    expected = sum(j * 2 / 5 / (1 + j) for j in range(1, 6)) / 6
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_only_the_order_counts_beyond_what_float32_tells_apart():
    """Probabilities that are 1 in float32 still have an order."""
    metric = AreaUnderRiskCoverage()
    update(metric, [20.0, 22.0], [False, True])
    assert float(metric.result()) == pytest.approx(1 / 4, rel=1e-6)


def test_many_pixels_are_exact_up_to_the_bins():
    rng = np.random.default_rng(0)
    odds = rng.uniform(0, 12, 30_000).astype("float32")
    right = rng.uniform(size=len(odds)) < 1 / (1 + np.exp(-odds / 2))
    metric = AreaUnderRiskCoverage()
    update(metric, odds, right)
    wrong = ~right[np.argsort(-odds)]
    exact = (np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean()
    assert float(metric.result()) == pytest.approx(exact, rel=2e-3)
    coverage, risk = metric.curve(points=50)
    assert len(coverage) <= 50 and coverage[-1] == 1 and (np.diff(coverage) > 0).all()
    assert risk[-1] == pytest.approx(wrong.mean())


def test_no_pixel_has_no_curve():
    assert [len(x) for x in AreaUnderRiskCoverage().curve()] == [0, 0]


@pytest.mark.parametrize("bins", [0, 1.5, True])
def test_bins_are_a_number(bins):
    with pytest.raises(ValueError, match="`bins` must be an integer of at least 1"):
        AreaUnderRiskCoverage(bins=bins)
