"""`Segmenter(distillation=...)`: what modality dropout leaves learns from the full set."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import Averaging, ChannelExchanging
from keras_asym.models import Segmenter
from keras_asym.models.distillation import TEACHER, distillation_loss
from tests.helpers import LONG_ON_JAX, ON_JAX, arrays, gradients
from tests.models import tiny
from tests.models.tiny import VOID, tiny_segmenter

NAMES = ("rgb", "depth", "normal")
WEIGHTS = np.array([1.0, 0.5, 2.0, 3.0], "float32")
# The third example never had a depth image.
HAD = np.array([[1, 1, 1], [1, 1, 1], [1, 0, 1], [1, 1, 1]], "bool")


def uneven_batch():
    x, y = tiny.batch(3)
    y[0], y[1, :4] = VOID, VOID
    y[0, 0, 0] = 2
    return {**x, "present": HAD}, y


def made(fusion=None, **kwargs):
    keras.utils.set_random_seed(5)
    kwargs = {"modality_dropout": 0.4, "distillation_temperature": 3.0, **kwargs}
    model = tiny_segmenter(3, fusion or ChannelExchanging(l1=0.1), **kwargs)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=not ON_JAX)
    if model.modality_dropout is not None:
        lose_of_some(model.modality_dropout)
    return model


def lose_of_some(dropout):
    """Looks for a state by which the second example loses something, and the last one nothing."""
    for seed in range(20):
        dropout.generator.state.assign([seed, 0])
        left = np.array(dropout(ops.convert_to_tensor(HAD), training=True))
        dropout.generator.state.assign([seed, 0])
        lost = (HAD & ~left).any(1)
        if lost[1] and not lost[3]:
            return


@functools.cache
def steps():
    """Of the same step without and with distillation: the loss, and what it makes of weights."""
    found = []
    for weight in (0.0, 200.0):
        model = made(distillation=weight)
        x, y = uneven_batch()
        logs = model.train_on_batch(x, y, sample_weight=WEIGHTS, return_dict=True)
        found.append((logs, {v.path: arrays(v)[0] for v in model.weights}))
    return found


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_the_divergence_by_hand():
    """Two of three pixels are valid; the one that counts has (1/2, 1/2) beside (1/4, 3/4)."""
    labels = np.array([[[0, VOID]], [[1, VOID]]])
    labels[0, 0, 1] = VOID
    logits = np.log([[[[1.0, 3.0], [5.0, 1.0]]], [[[1.0, 7.0], [1.0, 2.0]]]]).astype("float32")
    loss = functools.partial(distillation_loss, labels, logits, 0 * logits, [True, False])
    assert float(loss(1.0, VOID)) == pytest.approx(0.5 * np.log(4 / 3) / 2, rel=1e-6)
    assert float(loss(1.0, VOID, [5.0, 1.0])) == pytest.approx(2.5 * np.log(4 / 3) / 2, rel=1e-6)
    # At temperature 2 it is (1, sqrt(3)) / (1 + sqrt(3)), and times 4.
    expected = 4 * 0.5 * np.log(0.25 * (1 + np.sqrt(3)) ** 2 / np.sqrt(3)) / 2
    assert float(loss(2.0, VOID)) == pytest.approx(expected, rel=1e-5)
    assert float(distillation_loss(labels[..., None], logits, logits, [True] * 2, 1.0, VOID)) == 0


def test_the_loss_of_a_step_in_numpy():
    (plain, _), (distilled, _) = steps()
    model = made(distillation=0.7)
    x, y = uneven_batch()
    teacher = arrays(model(x)["ensemble"])[0].astype("float64")
    outputs = {key: ops.convert_to_numpy(v) for key, v in model(x, training=True).items()}
    np.testing.assert_allclose(outputs[TEACHER], teacher, atol=1e-5)
    present = outputs["present"]
    taught = (HAD & ~present).any(1)
    assert taught[1] and not taught[3] and not present[2, 1]
    total, targets = 0.0, softmax(teacher / 3.0)
    for name, here in zip(NAMES, present.T, strict=True):
        valid = (y != VOID) & here[:, None, None]
        own = softmax(outputs[name].astype("float64") / 3.0)
        values = (targets * np.log(targets / own)).sum(-1) * WEIGHTS[:, None, None]
        total += 9.0 * values[valid & taught[:, None, None]].sum() / valid.sum()
    assert total > 1e-3
    assert distilled["loss"] - plain["loss"] == pytest.approx(200 * total, rel=1e-4)
    assert distilled["rgb_loss"] == pytest.approx(plain["rgb_loss"], rel=1e-6)


def test_kernels_learn_and_statistics_move_once():
    """The statistics come of the forward pass with what was left, by which they are the same."""
    (_, plain), (_, distilled) = steps()
    for path, value in plain.items():
        if "kernel" in path:
            assert np.abs(distilled[path] - value).max() > 1e-4, path
        elif "moving" in path or "seed" in path or "alpha" in path:
            np.testing.assert_allclose(distilled[path], value, atol=1e-7, err_msg=path)


def test_the_teacher_has_no_gradient():
    model, (x, _) = made(distillation=1.0), tiny.batch(3)
    found, _ = gradients(model, x, lambda y: ops.sum(y[TEACHER]), training=True)
    assert not any(np.any(value) for value in found.values())


@LONG_ON_JAX
def test_without_a_lost_modality_there_is_no_term():
    x, y = uneven_batch()
    logs = [made(modality_dropout=1e-12, distillation=w).train_on_batch(x, y) for w in (0.0, 9.0)]
    np.testing.assert_allclose(logs[0], logs[1], rtol=1e-6)


def test_off_and_outside_of_training_there_is_no_teacher():
    x, y = uneven_batch()
    assert TEACHER not in made()(x, training=True)
    model = made(distillation=1.0)
    assert TEACHER not in model(x)
    assert model.test_on_batch(x, y)[0] == pytest.approx(made().test_on_batch(x, y)[0])


@LONG_ON_JAX
def test_a_network_that_merges_learns_by_its_only_output():
    x, y = uneven_batch()
    logs = [
        made(Averaging(sites="conv1_relu$"), distillation=w).train_on_batch(x, y)
        for w in (0.0, 1.0)
    ]
    assert logs[1][0] > logs[0][0] + 1e-3


@LONG_ON_JAX
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_in_less_precision_the_loss_is_float32(precision):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = made(distillation=0.7)
    finally:
        keras.config.set_dtype_policy(before)
    x, y = uneven_batch()
    assert keras.backend.standardize_dtype(model(x, training=True)[TEACHER].dtype) == "float32"
    assert np.isfinite(model.train_on_batch(x, y)[0])


def test_it_is_saved(tmp_path):
    model = made(distillation=0.25)
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.distillation, loaded.distillation_temperature) == (0.25, 3.0)
    # Keras' files hold no states of generators, which a run keeps by itself.
    state = np.array(model.modality_dropout.generator.state)
    loaded.modality_dropout.generator.state.assign(state)
    x, y = uneven_batch()
    logs = [each.train_on_batch(x, y) for each in (model, loaded)]
    np.testing.assert_allclose(logs[0], logs[1], rtol=1e-6)
    assert model.select(["rgb", "depth"]).distillation == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distillation": -1.0}, "`distillation` must be a finite number of at least 0"),
        ({"distillation": True}, "`distillation` must be a finite number"),
        ({"distillation_temperature": 0}, "`distillation_temperature` must be .* above 0"),
        ({"modality_dropout": 0.0}, "`distillation` must be 0 without `modality_dropout`"),
    ],
)
def test_wrong_settings(changes, message):
    with pytest.raises(ValueError, match=message):
        made(**{"distillation": 1.0, **changes})


def test_not_of_probabilities():
    network = tiny.tiny_network()
    network = keras.Model(network.input, keras.layers.Softmax()(network.output))
    with pytest.raises(ValueError, match="must be 0 where the network ends in probabilities"):
        Segmenter(network, {"rgb": 3, "depth": 1}, modality_dropout=0.5, distillation=1.0)
