import numpy as np
import pytest

from keras_asym.metrics import ExpectedCalibrationError


def logits_of(confidences):
    p = np.array(confidences)
    return np.log(np.stack([p, 1 - p], axis=-1))[None, None]


def test_by_hand():
    """Two bins: confidences 0.6 and 0.8 with one hit of two; 0.9 alone, and right."""
    metric = ExpectedCalibrationError(bins=7)  # (4/7, 5/7], (5/7, 6/7], (6/7, 1]
    metric.update_state(np.array([[[0, 1, 0, 255]]]), logits_of([0.6, 0.65, 0.9, 0.99]))
    assert float(metric.result()) == pytest.approx((abs(1 - 1.25) + abs(1 - 0.9)) / 3)
    counts, confidence, accuracy = metric.diagram()
    np.testing.assert_array_equal(counts, [0, 0, 0, 0, 2, 0, 1])
    np.testing.assert_allclose(confidence[[4, 6]], [0.625, 0.9], rtol=1e-6)
    np.testing.assert_allclose(accuracy[[4, 6]], [0.5, 1])
    assert np.isnan(confidence[0]) and np.isnan(accuracy[5])


def test_errors_within_a_bin_cancel_and_across_bins_do_not():
    labels, logits = np.array([[[0, 1]]]), logits_of([0.75, 0.75])
    one, two = ExpectedCalibrationError(bins=1), ExpectedCalibrationError(bins=15)
    for metric in (one, two):
        metric.update_state(labels, logits)
    assert float(one.result()) == float(two.result()) == pytest.approx(0.25)
    labels, logits = np.array([[[0, 1]]]), logits_of([0.51, 0.99])
    one.reset_state(), two.reset_state()
    for metric in (one, two):
        metric.update_state(labels, logits)
    assert float(one.result()) == pytest.approx(0.25)
    assert float(two.result()) == pytest.approx((0.49 + 0.99) / 2)


@pytest.mark.parametrize("bins", [0, 1.5, True])
def test_bins_are_a_number(bins):
    with pytest.raises(ValueError, match="`bins` must be an integer of at least 1"):
        ExpectedCalibrationError(bins=bins)
