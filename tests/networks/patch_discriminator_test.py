import itertools

import keras
import numpy as np
import pytest

from keras_asym.networks import PatchDiscriminator
from tests.helpers import images


def test_parameters_are_those_of_the_published_discriminator():
    widths = [6, 64, 128, 256, 512, 1]
    convolutions = sum(16 * a * b + b for a, b in itertools.pairwise(widths))
    assert PatchDiscriminator().count_params() == convolutions + 2 * (128 + 256 + 512)


@pytest.mark.parametrize("size", [(32, 48), (64, 24)])
def test_one_logit_for_each_patch(size):
    y = np.array(PatchDiscriminator(2)(images(2, *size, 6)))
    assert y.shape == (2, size[0] // 8 - 2, size[1] // 8 - 2, 1)


def test_a_patch_is_70_pixels():
    network = PatchDiscriminator(2)
    plain = _without_norms(network)  # norms see the whole image
    x = images(1, 160, 160, 6)
    y = np.array(plain(x))[0, :, :, 0]
    row = 9
    first = 8 * row - 23  # top row of the patch, 70 rows with its border
    changed = x.copy()
    changed[:, : max(first, 0)] += 1
    changed[:, first + 70 :] += 1
    z = np.array(plain(changed))[0, :, :, 0]
    np.testing.assert_allclose(z[row], y[row], atol=1e-5)
    assert np.abs(z[row - 1] - y[row - 1]).max() > 1e-6
    assert np.abs(z[row + 1] - y[row + 1]).max() > 1e-6


def _without_norms(network):
    x = inputs = keras.Input((None, None, 6))
    for layer in network.layers[1:]:
        x = x if layer.name.endswith("_norm") else layer(x)
    return keras.Model(inputs, x)
