import json

import keras
import numpy as np
import pytest

from keras_asym.layers import ModalityLayerNormalization
from keras_asym.regularizers import EachModality, ModalityShareL1, channel_shares


@pytest.mark.parametrize(
    ("modalities", "channels", "starts"),
    [
        (1, 4, [0, 4]),
        (2, 6, [0, 3, 6]),
        (2, 7, [0, 3, 7]),
        (3, 7, [0, 2, 4, 7]),
        (3, 64, [0, 21, 42, 64]),
        (3, 2, [0, 0, 1, 2]),
    ],
)
def test_shares(modalities, channels, starts):
    shares = np.asarray(channel_shares(modalities, channels))
    for m in range(modalities):
        expected = np.zeros(channels, bool)
        expected[starts[m] : starts[m + 1]] = True
        np.testing.assert_array_equal(shares[m], expected)
    assert (shares.sum(0) == 1).all()  # disjoint, and all channels covered


def test_halves_of_two_modalities():
    gamma = np.array([[1, -2, 3, 4], [10, 20, -30, 40]], "float32")
    np.testing.assert_allclose(ModalityShareL1(0.1)(gamma), 0.1 * (1 + 2 + 30 + 40), rtol=1e-6)


@pytest.mark.parametrize(("modalities", "channels"), [(1, 5), (2, 7), (3, 8)])
def test_value(modalities, channels, rng):
    gamma = rng.standard_normal((modalities, channels)).astype("float32")
    edges = [m * channels // modalities for m in range(modalities + 1)]
    shares = [gamma[m, edges[m] : edges[m + 1]] for m in range(modalities)]
    expected = 6e-4 * sum(np.abs(share).sum() for share in shares)
    np.testing.assert_allclose(ModalityShareL1()(gamma), expected, rtol=1e-5)


def test_round_trip():
    regularizer = ModalityShareL1(1e-3)
    text = keras.saving.serialize_keras_object(regularizer)
    again = keras.saving.deserialize_keras_object(text)
    assert isinstance(again, ModalityShareL1) and again.get_config() == {"l1": 1e-3}


@pytest.mark.parametrize("l1", [-1e-4, float("nan")])
def test_wrong_weight(l1):
    with pytest.raises(ValueError, match="`l1` must not be negative"):
        ModalityShareL1(l1)


@pytest.mark.parametrize("shape", [(4,), (3, 3, 2, 2)])
def test_wrong_weight_shape(shape):
    with pytest.raises(ValueError, match=r"gammas of shape \(modalities, channels\)"):
        ModalityShareL1()(np.ones(shape, "float32"))


def test_each_modalitys_row_is_penalized_as_a_plain_weight(rng):
    weight = rng.standard_normal((3, 4)).astype("float32")
    for of_one in (keras.regularizers.L1(0.3), keras.regularizers.OrthogonalRegularizer(0.1)):
        rows = weight.reshape(3, 2, 2)
        expected = sum(float(of_one(row)) for row in rows)
        np.testing.assert_allclose(EachModality(of_one)(rows), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "of_one",
    [
        keras.constraints.MaxNorm(1.0),
        keras.constraints.UnitNorm(),
        keras.constraints.MinMaxNorm(0.5, 0.8),
        keras.constraints.NonNeg(),
    ],
)
def test_each_modalitys_row_is_constrained_as_a_plain_weight(of_one, rng):
    weight = 2 * rng.standard_normal((3, 5)).astype("float32")
    expected = np.stack([of_one(row) for row in weight])
    np.testing.assert_allclose(EachModality(of_one)(weight), expected, rtol=1e-6)


@pytest.mark.parametrize("of_one", [keras.constraints.MaxNorm(3.0), keras.regularizers.L2(1e-2)])
def test_each_modality_round_trip(of_one):
    saved = keras.saving.serialize_keras_object(EachModality(of_one))
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(saved)))
    assert isinstance(again, EachModality) and type(again.of_one) is type(of_one)
    assert again.of_one.get_config() == of_one.get_config()


@pytest.mark.parametrize("kind", ["regularizer", "constraint"])
def test_each_modality_of_a_norm_is_saved(kind, tmp_path):
    of_one = keras.regularizers.L1(0.5) if kind == "regularizer" else keras.constraints.UnitNorm()
    inputs = keras.Input((4,))
    norm = ModalityLayerNormalization(2, **{f"gamma_{kind}": EachModality(of_one)}, name="norm")
    keras.Model(inputs, norm(inputs)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    found = getattr(loaded.get_layer("norm").gamma, kind)
    assert isinstance(found, EachModality)
    if kind == "regularizer":
        np.testing.assert_allclose(sum(loaded.losses), 0.5 * 2 * 4)
    else:
        np.testing.assert_allclose(np.linalg.norm(found(np.ones((2, 4))), axis=1), 1, rtol=1e-5)
