import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityCopies, SelectedModalities
from tests.helpers import gradients, images, randomize, uneven_sum
from tests.layers.contract import LayerContract


class TestContract(LayerContract):
    def make(self, modalities):
        return ModalityCopies(modalities, keras.layers.Conv2D(5, 3, strides=2, name="conv"))


class TestContractOfNormalizations(LayerContract):
    def make(self, modalities):
        return ModalityCopies(modalities, keras.layers.LayerNormalization(epsilon=1e-5))


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_each_modality_has_a_layer_of_its_own(modalities):
    layer = ModalityCopies(modalities, keras.layers.Dense(4))
    x = images(3, modalities, 5, 6)
    layer.build((None, 5, 6))
    randomize(layer)
    y = np.reshape(layer(x.reshape(-1, 5, 6)), (3, modalities, 5, 4))
    for row, copy in enumerate(layer.copies):
        np.testing.assert_allclose(y[:, row], copy(x[:, row]), atol=1e-6)
    assert len(layer.weights) == 2 * modalities
    assert len({w.path for w in layer.weights}) == 2 * modalities


@pytest.mark.parametrize("rows", [(1,), (0, 2), (2, 0)])
def test_selected_modalities_use_their_copies(rows):
    layer, x = ModalityCopies(3, keras.layers.Dense(4)), images(2, 3, 6)
    layer.build((None, 6))
    full = np.reshape(randomize(layer)(x.reshape(-1, 6)), (2, 3, 4))
    part = SelectedModalities(layer, rows)(x[:, list(rows)].reshape(-1, 6))
    np.testing.assert_allclose(np.reshape(part, (2, len(rows), 4)), full[:, list(rows)], atol=1e-6)


def test_a_copy_learns_from_its_modality_alone():
    layer = ModalityCopies(2, keras.layers.Dense(4))
    layer.build((None, 6))
    of_weights, _ = gradients(layer, images(4, 6), lambda y: uneven_sum(y[0::2]))
    first, second = list(of_weights.values())[:2], list(of_weights.values())[2:]
    assert all((g != 0).any() for g in first) and not any(g.any() for g in second)


def test_copies_are_never_taken_for_one_shared_object(monkeypatch):
    """Keras marks objects by their addresses, which may be those of others while it loads."""
    serialize = keras.saving.serialize_keras_object
    marked = {"shared_object_id": 1}

    def with_marks(layer):
        found = serialize(layer)
        initializer = {**found["config"]["kernel_initializer"], **marked}
        return {**found, **marked, "config": {**found["config"], "kernel_initializer": initializer}}

    monkeypatch.setattr(keras.saving, "serialize_keras_object", with_marks)
    copies = ModalityCopies(2, keras.layers.Dense(4))
    assert "shared_object_id" not in str(copies.layer_config)
