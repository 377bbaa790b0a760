"""`Segmenter(modality_dropout=...)`: examples lack modalities in training."""

import itertools

import keras
import numpy as np
import pytest

from keras_asym.fusion import (
    ChannelExchanging,
    PrivateNormalization,
    UnsharedNetworks,
    to_multimodal,
)
from keras_asym.models.modality_dropout import ModalityDropout, meets_in_ensemble_alone
from keras_asym.training import assign_variables, read_variables
from tests.models import tiny
from tests.models.tiny import tiny_segmenter

pytestmark = pytest.mark.usefixtures("without_graphs")


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


@pytest.mark.parametrize("fusion", [PrivateNormalization(), UnsharedNetworks()])
def test_branches_that_meet_in_the_ensemble_alone_lose_nothing(fusion):
    """Their losses and gradients are those without dropout; the ensemble's is that of a subset."""
    keras.utils.clear_session()
    dropped = tiny_segmenter(3, fusion, modality_dropout="uniform", ensemble="pixel")
    keras.utils.clear_session()
    plain = tiny_segmenter(3, fusion, ensemble="pixel")
    x, y = tiny.batch(3)
    for model in (dropped, plain):
        model.compile(keras.optimizers.SGD(0.1))
    present = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 0]], "bool")
    dropped.modality_dropout.call = lambda there, training: keras.ops.array(present) & there
    found, all_there = (model(x, training=True) for model in (dropped, plain))
    for name in plain.modality_names:
        np.testing.assert_allclose(found[name], all_there[name], atol=1e-6)
    expected = plain({**x, "present": present}, training=False)["ensemble"]
    mixed = dropped(x, training=False)["ensemble"]
    assert not np.allclose(found["ensemble"], all_there["ensemble"], atol=1e-3)
    assert not np.allclose(mixed, expected, atol=1e-3)  # evaluation has all of them
    logs = [model.train_on_batch(x, y, return_dict=True) for model in (dropped, plain)]
    for key in plain.modality_names:
        assert logs[0][f"{key}_loss"] == pytest.approx(logs[1][f"{key}_loss"], rel=1e-5)
    weights = [
        {v.path: np.array(v) for v in model.network.trainable_variables if "ensemble" not in v.path}
        for model in (dropped, plain)
    ]
    for path, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][path], rtol=1e-4, atol=1e-6)


def test_the_ensemble_learns_on_subsets():
    """Its loss is that of the branches' logits mixed by hand."""
    keras.utils.clear_session()
    model = tiny_segmenter(3, UnsharedNetworks(), modality_dropout=0.5)
    x, _ = tiny.batch(3)
    there = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]], "bool")
    left = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], "bool")
    model.modality_dropout.call = lambda given, training: keras.ops.array(left) & given
    outputs = model({**x, "present": there}, training=True)
    np.testing.assert_array_equal(outputs["present"], there)  # the branches keep what is there
    branches = np.stack([outputs[name] for name in model.modality_names], axis=1)
    alpha = np.exp(np.array(model.network.get_layer("ensemble").alpha))
    shares = left * alpha / (left * alpha).sum(1, keepdims=True)
    branches = np.where(left[:, :, None, None, None], branches, 0.0)
    mixed = (branches * shares[:, :, None, None, None]).sum(1)
    np.testing.assert_allclose(outputs["ensemble"], mixed, atol=1e-5)


def test_where_modalities_meet():
    network = to_multimodal(tiny.tiny_network(), {"rgb": 3, "depth": 1}, ensemble=True)
    branches = network.output
    mixed = {**branches, "rgb": branches["rgb"] + keras.ops.roll(branches["depth"], 1, axis=1)}
    assert meets_in_ensemble_alone(network)
    assert not meets_in_ensemble_alone(keras.Model(network.input, mixed))
    assert not meets_in_ensemble_alone(tiny_segmenter(2, ChannelExchanging()).network)


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


def draw(layer, presence):
    return np.array(layer(keras.ops.convert_to_tensor(presence), training=True))


def test_each_modality_is_left_out_at_its_rate():
    rates = (0.1, 0.4, 0.7)
    found = draw(ModalityDropout(3, rates, seed=0), np.ones((20000, 3), "bool"))
    assert found.any(1).all()
    # All three gone: 0.028, of which each keeps some; the rates below 1 / (1 - 0.028) of theirs.
    lacking = 1 - found.mean(0)
    np.testing.assert_allclose(lacking, rates, atol=0.03)
    assert (lacking <= np.array(rates) + 0.01).all()


def test_uniform_over_all_subsets_but_the_empty_one():
    found = draw(ModalityDropout(3, "uniform", seed=1), np.ones((14000, 3), "bool"))
    subsets = [s for s in itertools.product((False, True), repeat=3) if any(s)]
    counts = [(found == s).all(1).sum() for s in subsets]
    assert sum(counts) == 14000 and len(subsets) == 7
    np.testing.assert_allclose(counts, 2000, atol=200)


@pytest.mark.parametrize("rate", [0.0, 0.6, "uniform"])
def test_what_an_example_lacks_does_not_come_back(rate):
    presence = np.array([[True, False], [False, True], [True, True], [False, False]] * 50)
    layer = ModalityDropout(2, rate, seed=2)
    found = draw(layer, presence)
    assert not (found & ~presence).any()
    np.testing.assert_array_equal(found.any(1), presence.any(1))
    np.testing.assert_array_equal(layer(presence), presence)  # not in training
    if rate == 0.0:
        np.testing.assert_array_equal(found, presence)


def test_the_seed_and_its_state_say_what_is_drawn():
    presence = np.ones((64, 2), "bool")
    one, two = (ModalityDropout(2, 0.5, seed=3) for _ in range(2))
    first = draw(one, presence)
    np.testing.assert_array_equal(first, draw(two, presence))
    again = ModalityDropout(2, 0.5, seed=4)
    again.generator.state.assign(one.generator.state)
    later = draw(one, presence)
    assert (later != first).any()
    np.testing.assert_array_equal(later, draw(again, presence))


@pytest.mark.parametrize("rate", [1.0, -0.1, (0.1, 0.2, 0.3), "never", True, ()])
def test_wrong_rate(rate):
    with pytest.raises(ValueError, match="`rate` must be a probability"):
        ModalityDropout(2, rate)
