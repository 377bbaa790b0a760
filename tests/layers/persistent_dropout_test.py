import numpy as np
import pytest

from keras_asym.layers import PersistentDropout
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return PersistentDropout(0.5, at_test=False)


@pytest.mark.parametrize(
    ("at_test", "training", "drops"),
    [(True, False, True), (True, True, True), (False, False, False), (False, True, True)],
)
def test_drops_in_training_and_where_told_at_test(at_test, training, drops):
    x = 1 + np.abs(images(4, 20, 20, 3))
    y = np.array(PersistentDropout(0.5, at_test)(x, training=training))
    assert (y == 0).any() == drops
    np.testing.assert_allclose(y[y != 0], (2 if drops else 1) * x[y != 0], rtol=1e-6)


def test_each_modality_of_a_folded_batch_has_its_own_mask():
    y = np.array(PersistentDropout(0.5)(np.ones((4, 8, 8, 3))))
    assert all((y[0] != y[index]).any() for index in (1, 2, 3))


def test_can_be_switched_later():
    layer = PersistentDropout(0.5)
    layer.at_test = False
    np.testing.assert_array_equal(layer(np.ones((1, 8))), np.ones((1, 8)))
    assert layer.get_config()["at_test"] is False
