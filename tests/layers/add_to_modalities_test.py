import numpy as np

from keras_asym.layers import AddToModalities
from tests.helpers import images


def test_each_modality_gets_what_belongs_to_its_example():
    x, one = images(2, 3, 4, 5, 7), images(2, 4, 5, 7, seed=1)
    y = AddToModalities(3)(x.reshape(6, 4, 5, 7), one)
    np.testing.assert_allclose(np.reshape(y, x.shape), x + one[:, None], atol=1e-6)
