import keras
import numpy as np
import pytest

from keras_asym.layers import (
    ModalityBatchNormalization,
    ModalityLayerNormalization,
    SelectedModalities,
    SharedNormalization,
)
from tests.helpers import images
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    training = (False, True)
    all_present = 1e-5

    def make(self, modalities):
        return SharedNormalization(modalities, ModalityBatchNormalization(1, momentum=0.5))


def test_statistics_are_those_of_all_modalities_together():
    layer = SharedNormalization(2, ModalityBatchNormalization(1, momentum=0.5))
    plain = keras.layers.BatchNormalization(momentum=0.5)
    x = images(6, 4, 5, 7)
    np.testing.assert_allclose(layer(x, training=True), plain(x, training=True), atol=1e-5)
    np.testing.assert_allclose(layer.layer.moving_mean[0], plain.moving_mean, atol=1e-6)


def test_what_is_absent_counts_in_no_statistics():
    layer = SharedNormalization(2, ModalityBatchNormalization(1, momentum=0.0))
    x = images(2, 2, 4, 5, 7)
    presence = np.array([[True, False], [True, True]])
    layer(x.reshape(4, 4, 5, 7), training=True, presence=presence)
    np.testing.assert_allclose(
        layer.layer.moving_mean[0], x[presence].mean(axis=(0, 1, 2)), atol=1e-5
    )


def test_a_selection_has_the_same_weights():
    layer, x = SharedNormalization(3, ModalityLayerNormalization(1)), images(4, 4, 5, 7)
    layer.build(x.shape)
    layer.layer.gamma.assign(images(1, 7))
    part = SelectedModalities(layer, (0, 2))
    np.testing.assert_allclose(part(x), SharedNormalization(2, layer.layer)(x), atol=1e-6)


def test_a_norm_of_several_modalities():
    with pytest.raises(ValueError, match="must be a private normalization for one modality"):
        SharedNormalization(2, ModalityBatchNormalization(2))
