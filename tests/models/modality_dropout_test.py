"""`Segmenter(modality_dropout=...)`: examples lack modalities in training."""

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging
from keras_asym.training import assign_variables, read_variables
from tests.models import tiny
from tests.models.tiny import tiny_segmenter


def compiled(**kwargs):
    keras.utils.clear_session()
    model = tiny_segmenter(3, ChannelExchanging(), **kwargs)
    model.compile(keras.optimizers.SGD(0.1))
    return model


@pytest.mark.parametrize("rate", ["uniform", [0.2, 0.5, 0.8]])
def test_a_step_is_that_of_the_mask_told(rate):
    """Loss, metrics and weights are those of a model that is told who was left out."""
    dropped, told = compiled(modality_dropout=rate), compiled()
    x, y = tiny.batch(3)
    state = np.array(dropped.modality_dropout.generator.state)
    present = np.array(dropped.modality_dropout(keras.ops.ones((4, 3), "bool"), training=True))
    assert not present.all()
    dropped.modality_dropout.generator.state.assign(state)
    logs = dropped.train_on_batch(x, y, return_dict=True)
    expected = told.train_on_batch({**x, "present": present}, y, return_dict=True)
    assert logs == pytest.approx(expected, rel=1e-5)
    for a, b in zip(dropped.get_weights(), told.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_what_is_told_stays_absent():
    model = compiled(modality_dropout=0.5)
    x, _ = tiny.batch(3)
    present = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 1]], "bool")
    left = np.array(model({**x, "present": present}, training=True)["present"])
    assert not (left & ~present).any() and left.any(1).all()


def test_evaluation_has_all_modalities():
    model, plain = compiled(modality_dropout=0.9), compiled()
    x, y = tiny.batch(3)
    logs = [m.test_on_batch(x, y, return_dict=True) for m in (model, plain)]
    assert logs[0] == pytest.approx(logs[1], rel=1e-6)
    assert "present" not in model(x)


def test_rate_and_state_are_saved(tmp_path):
    model = compiled(modality_dropout=[0.1, 0.2, 0.3])
    model.optimizer.build(model.trainable_variables)
    x, y = tiny.batch(3)
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.modality_dropout.rate == [0.1, 0.2, 0.3]
    assign_variables(loaded, read_variables(model))
    states = [np.array(m.modality_dropout.generator.state) for m in (model, loaded)]
    np.testing.assert_array_equal(*states)
    assert model.select(["rgb", "depth"]).modality_dropout is None
