import numpy as np
import pytest

from keras_asym.metrics import NegativeLogLikelihood


def test_by_hand():
    """Probabilities of the labels 0.2 and 0.5; a void pixel between them."""
    metric = NegativeLogLikelihood()
    p = np.array([[[[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]]]])
    metric.update_state(np.array([[[0, 255, 1]]]), np.log(p) + 3)
    assert float(metric.result()) == pytest.approx(-(np.log(0.2) + np.log(0.5)) / 2)
    metric.update_state(np.array([[[0]]]), np.log([[[[1.0, 1e-30]]]]))
    assert float(metric.result()) == pytest.approx(-(np.log(0.2) + np.log(0.5)) / 3)
