import numpy as np
import pytest

from keras_asym.metrics import BrierScore


def test_by_hand():
    metric = BrierScore()
    p = np.array([[[[0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [1.0, 1e-30, 1e-30]]]])
    metric.update_state(np.array([[[1, 255, 1]]]), np.log(p))
    first = 0.2**2 + 0.3**2 + 0.1**2
    assert float(metric.result()) == pytest.approx((first + 2) / 2)
