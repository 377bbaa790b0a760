import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityGroupNormalization, ModalityInstanceNormalization
from tests.helpers import images, randomize
from tests.layers.contract import CHANNELS, LayerContract
from tests.layers.row_by_row import compare


class TestContract(LayerContract):
    def make(self, modalities):
        return ModalityGroupNormalization(modalities, groups={1: 1, 2: CHANNELS}.get(modalities, 1))


class TestContractWithGroups(LayerContract):
    def make(self, modalities):
        return ModalityGroupNormalization(modalities, groups=3)

    def inputs(self, modalities, height=5, width=6):
        return images(4 * modalities, height, width, 12)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", [(3, 4, 6), (3, 4, 5, 6), (2, 3, 4, 5, 6)])
def test_each_modality_is_normalized_as_by_keras(shape, groups, modalities):
    layer = ModalityGroupNormalization(modalities, groups=groups, epsilon=1e-4)
    compare(layer, keras.layers.GroupNormalization(groups, epsilon=1e-4), shape)


@pytest.mark.parametrize("groups", [1, 2])
def test_of_vectors(groups):
    layer = ModalityGroupNormalization(2, groups=groups)
    compare(layer, keras.layers.GroupNormalization(groups), (3, 6))


@pytest.mark.parametrize(("center", "scale"), [(False, True), (True, False)])
def test_without_gamma_or_beta(center, scale):
    settings = {"groups": 2, "center": center, "scale": scale}
    layer = ModalityGroupNormalization(2, **settings)
    compare(layer, keras.layers.GroupNormalization(**settings), (3, 4, 5, 6))


def test_a_group_for_each_channel_is_instance_normalization():
    x = images(4, 5, 7, 6)
    layer = ModalityGroupNormalization(2, groups=6, epsilon=1e-5)
    other = ModalityInstanceNormalization(2)
    for norm in (layer, other):
        norm.build((None, 5, 7, 6))
        randomize(norm)
    np.testing.assert_allclose(layer(x), other(x), atol=2e-6)


@pytest.mark.parametrize("groups", [0, -1, 4, 12])
def test_groups_must_divide_the_channels(groups):
    message = rf"`groups` must divide .*Received: groups={groups} and 6 channels in layer 'norm'"
    with pytest.raises(ValueError, match=message):
        ModalityGroupNormalization(2, groups=groups, name="norm")(images(4, 5, 7, 6))
