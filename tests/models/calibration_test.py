import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.fusion import Averaging, ChannelExchanging
from keras_asym.models import Calibration
from tests.helpers import arrays, images
from tests.models.tiny import CLASSES, batch, tiny_segmenter

NAMES = ("rgb", "depth", "normal")
TEMPERATURES = {
    NAMES: {"ensemble": 2.0, "rgb": 1.5, "depth": 0.5, "normal": 3.0},
    ("depth", "rgb"): {"ensemble": 4.0, "rgb": 2.5, "depth": 1.25},
    ("rgb",): {"ensemble": 8.0},
}
PRESENT = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 1]], bool)


@functools.cache
def model(ensemble="global"):
    return tiny_segmenter(3, ChannelExchanging(), ensemble=ensemble)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def entropy(p):
    return -(p * np.log(np.maximum(p, 1e-38))).sum(-1)


def test_a_temperature_for_each_subset():
    calibration = Calibration(NAMES, TEMPERATURES)
    assert calibration.temperature("ensemble") == 2.0
    assert calibration.temperature("ensemble", ("rgb", "depth")) == 4.0
    assert calibration.temperature("ensemble", ("rgb",)) == 8.0
    assert calibration.temperature("rgb", ("rgb", "depth")) == 2.5
    assert Calibration(NAMES).temperature("ensemble") == 1.0


def test_a_subset_that_was_not_fitted_takes_the_nearest_and_largest():
    calibration = Calibration(NAMES, TEMPERATURES)
    assert calibration.temperature("ensemble", ("depth",)) == 4.0  # one of it is missing
    assert calibration.temperature("ensemble", ("rgb", "normal")) == 2.0  # not 8 of rgb alone
    assert calibration.temperature("normal", ("normal",)) == 3.0


def test_presence_chooses_in_the_graph():
    calibration = Calibration(NAMES, TEMPERATURES)
    found = calibration.temperature("ensemble", presence=ops.convert_to_tensor(PRESENT))
    subsets = [tuple(np.array(NAMES)[row]) for row in PRESENT]
    assert [float(x) for x in found] == [calibration.temperature("ensemble", x) for x in subsets]
    part = calibration.temperature("ensemble", ("depth", "rgb"), np.array([[1, 1], [0, 1]], bool))
    assert [float(x) for x in part] == [4.0, 8.0]


def test_confidence_is_the_largest_probability_at_the_temperature():
    calibration = Calibration(NAMES, TEMPERATURES)
    logits = images(4, 2, 3, CLASSES)
    found = ops.convert_to_numpy(calibration.confidence("ensemble", logits))
    np.testing.assert_allclose(found, softmax(logits / 2).max(-1), rtol=1e-5)
    found = ops.convert_to_numpy(calibration.confidence("ensemble", logits, NAMES, PRESENT))
    each = np.array([2, 4, 8, 2])[:, None, None, None]  # of the normal alone: the full set's
    np.testing.assert_allclose(found, softmax(logits / each).max(-1), rtol=1e-5)
    log_p = np.log(softmax(logits))
    again = ops.convert_to_numpy(calibration.confidence("ensemble", log_p, NAMES, PRESENT))
    np.testing.assert_allclose(again, found, rtol=1e-5)
    assert np.isfinite(ops.convert_to_numpy(calibration.confidence("rgb", 1e37 * logits))).all()


def lines(seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 2, CLASSES), rng.normal(size=CLASSES)


BY_CLASS = {NAMES: {"ensemble": lines(0)}, ("rgb",): {"ensemble": lines(1)}}


def test_each_class_has_a_slope_and_an_offset():
    calibration = Calibration(NAMES, TEMPERATURES, BY_CLASS)
    logits = 3 * images(4, 2, 3, CLASSES)
    plain = Calibration(NAMES, TEMPERATURES)
    for presence in (None, PRESENT):
        p = ops.convert_to_numpy(plain.confidence("ensemble", logits, NAMES, presence))
        log_odds, answered = np.log(p / (1 - p)), np.asarray(logits).argmax(-1)
        found = calibration.confidence("ensemble", logits, NAMES, presence)
        of_subsets = [NAMES] * 4 if presence is None else [NAMES, None, ("rgb",), NAMES]
        for row, subset in enumerate(of_subsets):
            expected = p[row]
            if subset is not None:
                slopes, offsets = BY_CLASS[subset]["ensemble"]
                line = slopes[answered[row]] * log_odds[row] + offsets[answered[row]]
                expected = 1 / (1 + np.exp(-line))
            np.testing.assert_allclose(ops.convert_to_numpy(found[row]), expected, rtol=1e-4)
    one = ops.convert_to_numpy(calibration.confidence("rgb", logits))  # which has none
    np.testing.assert_allclose(one, softmax(logits / 1.5).max(-1), rtol=1e-5)
    assert np.isfinite(ops.convert_to_numpy(calibration.log_odds("ensemble", 1e37 * logits))).all()


@pytest.mark.parametrize(
    ("by_class", "message"),
    [
        ({("depth",): {"ensemble": ([1.0], [0.0])}}, "that have a temperature.*depth"),
        ({NAMES: {"ensemble": ([-1.0], [0.0])}}, "slopes at least 0"),
        ({NAMES: {"ensemble": ([1.0, 1.0], [0.0])}}, "of as many classes"),
        ({NAMES: {"ensemble": ([1.0], [np.inf])}}, "finite numbers"),
    ],
)
def test_wrong_slopes_and_offsets(by_class, message):
    with pytest.raises(ValueError, match=message):
        Calibration(NAMES, TEMPERATURES, by_class)


def test_slopes_of_other_classes():
    calibration = Calibration(NAMES, TEMPERATURES, {NAMES: {"ensemble": ([1.0], [0.0])}})
    with pytest.raises(ValueError, match=f"each of the {CLASSES} classes.*1 for 'ensemble'"):
        calibration.confidence("ensemble", images(1, 2, 2, CLASSES))


@pytest.mark.parametrize("presence", [None, PRESENT])
def test_uncertainty_by_the_formula(presence):
    calibration = Calibration(NAMES, TEMPERATURES)
    x = batch(3, size=4)[0]
    inputs = x if presence is None else {**x, "present": presence}
    outputs = dict(zip(*_sorted(model()(inputs)), strict=True))
    here = ops.convert_to_tensor(presence) if presence is not None else None
    found = ops.convert_to_numpy(calibration.uncertainty(model(), outputs, here))
    alpha = np.asarray(model().network.get_layer("ensemble").alpha)
    for row in range(4):
        there = np.ones(3, bool) if presence is None else presence[row]
        names = tuple(np.array(NAMES)[there])
        weights = np.exp(alpha[there]) / np.exp(alpha[there]).sum()
        p = [softmax(outputs[n][row] / calibration.temperature(n, names)) for n in names]
        mixture = sum(w * q for w, q in zip(weights, p, strict=True))
        within = sum(w * entropy(q) for w, q in zip(weights, p, strict=True))
        np.testing.assert_allclose(found[row], entropy(mixture) - within, atol=2e-6)
    assert found[0].max() > 0.02 and found.max() < np.log(3)
    if presence is not None:
        np.testing.assert_allclose(found[2:], 0, atol=1e-6)  # one branch agrees with itself


def _sorted(outputs):
    keys = sorted(outputs)
    return keys, arrays([outputs[key] for key in keys])


@pytest.mark.parametrize("ensemble", ["class", "pixel"])
def test_other_weights_and_a_selection(ensemble):
    """Sure branches that say different classes with weights w: the entropy of w."""
    made = model(ensemble).select(["rgb", "normal"])
    calibration = Calibration(NAMES)
    sure = 60.0 * np.eye(CLASSES, dtype="float32")
    same = {name: np.tile(sure[1], (2, 3, 4, 1)) for name in ("rgb", "normal")}
    found = ops.convert_to_numpy(calibration.uncertainty(made, same))
    np.testing.assert_allclose(found, 0, atol=1e-6)
    other = {**same, "rgb": np.tile(sure[0], (2, 3, 4, 1))}
    found = ops.convert_to_numpy(calibration.uncertainty(made, other))
    assert (found > 0.01).all() and (found <= np.log(2) + 1e-6).all()
    layer = made.network.get_layer("ensemble").layer
    if ensemble == "class":
        alpha = np.asarray(layer.alpha)[[0, 2]]
        w = (np.exp(alpha) / np.exp(alpha).sum(0)).mean(-1)
        np.testing.assert_allclose(found, entropy(w), rtol=1e-5)


def test_one_modality_does_not_disagree():
    made = model().select(["depth"])
    outputs = made({"depth": batch(3)[0]["depth"]})
    found = Calibration(NAMES).uncertainty(made, outputs)
    assert tuple(found.shape) == (4, 8, 12) and not ops.convert_to_numpy(found).any()


def test_merged_modalities_cannot_disagree():
    made = tiny_segmenter(2, Averaging())
    with pytest.raises(ValueError, match=r"of a model with branches.*Leave it out"):
        Calibration(("rgb", "depth")).uncertainty(made, {})


@pytest.mark.parametrize(
    ("temperatures", "message"),
    [
        ({("rgb", "thermal"): {"ensemble": 1.0}}, "subsets of the modalities.*thermal"),
        ({(): {"ensemble": 1.0}}, "subsets of the modalities"),
        ({("rgb",): {"ensemble": 0.0}}, "finite numbers above 0"),
        ({("rgb",): {"ensemble": float("nan")}}, "finite numbers above 0"),
        ({("rgb",): {"depth": 1.0}}, r"outputs among \['ensemble', 'rgb'\]"),
    ],
)
def test_wrong_temperatures(temperatures, message):
    with pytest.raises(ValueError, match=message):
        Calibration(NAMES, temperatures)


def test_on_the_backend_in_half_precision():
    logits = ops.cast(images(1, 2, 2, CLASSES), "float16")
    for by_class in (None, BY_CLASS):
        found = Calibration(NAMES, TEMPERATURES, by_class).confidence("ensemble", logits)
        assert keras.backend.standardize_dtype(found.dtype) == "float16"
