import numpy as np

from keras_asym.layers import AddToModalities, SelectedModalities
from tests.helpers import images
from tests.layers.contract import CHANNELS, LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return AddToModalities(modalities)

    def inputs(self, modalities, height=5, width=6):
        batches = (4 * modalities, 4)
        return [images(n, height, width, CHANNELS, seed=n) for n in batches]

    def test_modalities_that_are_there(self):
        """Only one of the inputs is folded; the layer does not look at who is there."""
        x, one = images(2, 2, 4, 5, 7), images(2, 4, 5, 7, seed=1)
        y = SelectedModalities(AddToModalities(3), (0, 2))([x.reshape(4, 4, 5, 7), one])
        np.testing.assert_allclose(np.reshape(y, x.shape), x + one[:, None], atol=1e-6)


def test_each_modality_gets_what_belongs_to_its_example():
    x, one = images(2, 3, 4, 5, 7), images(2, 4, 5, 7, seed=1)
    y = AddToModalities(3)([x.reshape(6, 4, 5, 7), one])
    np.testing.assert_allclose(np.reshape(y, x.shape), x + one[:, None], atol=1e-6)
