import keras
import numpy as np
import pytest

from keras_asym.layers import (
    ChannelExchange,
    ModalityBatchNormalization,
    ModalityInstanceNormalization,
    ModalityLayerNormalization,
    SelectedModalities,
)
from keras_asym.regularizers import ModalityShareL1
from tests.helpers import arrays, gradients, images, randomize, uneven_sum
from tests.layers.contract import LayerContract

THETA = 2e-2


class TestContract(LayerContract):
    training = (False, True)
    all_present = 1e-6

    def make(self, modalities):
        norm = ModalityBatchNormalization(modalities, gamma_regularizer=ModalityShareL1(1e-3))
        return ChannelExchange(norm, threshold=0.1)


class TestContractWithInstanceNormalization(LayerContract):
    def make(self, modalities):
        norm = ModalityInstanceNormalization(modalities)
        return ChannelExchange(norm, threshold=1e-2, share_only=True)


class TestContractWithLayerNormalization(LayerContract):
    def make(self, modalities):
        return ChannelExchange(ModalityLayerNormalization(modalities), threshold=1e-2)


class TestContractByRank(LayerContract):
    training = (False, True)
    all_present = 1e-6

    def make(self, modalities):
        norm = ModalityBatchNormalization(modalities)
        return ChannelExchange(norm, rule="rank", rate=0.5, start_rate=1.0, steps=3)


def built(gamma, **kwargs):
    gamma = np.asarray(gamma, "float32")
    layer = ChannelExchange(ModalityBatchNormalization(len(gamma)), THETA, **kwargs)
    layer.build((None, None, None, gamma.shape[1]))
    randomize(layer)
    layer.layer.gamma.assign(gamma)
    return layer


def equation_6(normalized, gamma, theta=THETA):
    """CEN, Eq. 6, channel by channel; `normalized` is (batch, modalities, H, W, channels)."""
    normalized = np.asarray(normalized)
    y = normalized.copy()
    modalities = len(gamma)
    for m in range(modalities):
        for c in range(gamma.shape[1]):
            if abs(gamma[m, c]) < theta:
                others = [normalized[:, k, ..., c] for k in range(modalities) if k != m]
                y[:, m, ..., c] = sum(others) / (modalities - 1)
    return y


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("modalities", [2, 3])
def test_equation_6(modalities, training, rng):
    gamma = rng.uniform(-3 * THETA, 3 * THETA, (modalities, 7)).astype("float32")
    gamma[:, 3] = 0.0  # given up by all
    gamma[:, 4] = 1.0  # by none
    layer = built(gamma)
    x = images(4, modalities, 3, 4, 7)
    folded = x.reshape(-1, 3, 4, 7)
    normalized = np.reshape(layer.layer(folded, training=training), x.shape)
    y = np.reshape(layer(folded, training=training), x.shape)
    np.testing.assert_allclose(y, equation_6(normalized, gamma), atol=1e-6)
    assert not np.allclose(y, normalized)


def test_threshold_itself_is_kept():
    theta = np.float32(THETA)
    gamma = [[theta, -theta, np.nextafter(theta, 0), -np.nextafter(theta, 0)], [1, 1, 1, 1]]
    np.testing.assert_array_equal(
        built(gamma).keep_mask(), [[True, True, False, False], [True] * 4]
    )


def test_one_modality_keeps_everything():
    layer = built(np.zeros((1, 5)))
    x = images(3, 4, 4, 5)
    np.testing.assert_array_equal(layer(x), layer.layer(x))
    np.testing.assert_array_equal(layer.exchange_rate(), [0.0])


def test_share_only():
    layer = built(np.zeros((2, 5)), share_only=True)
    expected = np.array([[False, False, True, True, True], [True, True, False, False, False]])
    np.testing.assert_array_equal(layer.keep_mask(), expected)
    np.testing.assert_allclose(layer.exchange_rate(), [0.4, 0.6])
    x = images(2, 2, 3, 4, 5)
    normalized = np.reshape(layer.layer(x.reshape(4, 3, 4, 5)), x.shape)
    y = np.reshape(layer(x.reshape(4, 3, 4, 5)), x.shape)
    expected = equation_6(normalized, np.where(expected, 1.0, 0.0))
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_exchange_rate():
    layer = built([[0.0, 1.0, 0.001, 1.0], [1.0, 1.0, 0.0, -1.0], [0.0] * 4])
    np.testing.assert_allclose(layer.exchange_rate(), [0.5, 0.25, 1.0])


def test_selected_modalities_exchange_with_each_other_alone():
    gamma = np.array([[0, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0]], "float32")
    layer = built(gamma)
    x = images(2, 2, 3, 4, 4)
    folded = x.reshape(4, 3, 4, 4)
    normalized = np.reshape(SelectedModalities(layer.layer, (0, 2))(folded), x.shape)
    y = np.reshape(SelectedModalities(layer, (0, 2))(folded), x.shape)
    np.testing.assert_allclose(y, equation_6(normalized, gamma[[0, 2]]), atol=1e-6)
    alone = SelectedModalities(layer, (1,))(folded)
    np.testing.assert_array_equal(alone, SelectedModalities(layer.layer, (1,))(folded))


def test_modalities_of_an_example_exchange_with_each_other_alone():
    gamma = np.array([[0, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0]], "float32")
    layer = built(gamma)
    pattern = [(0, 2), (1,), (1, 2), (0, 1, 2)]
    presence = np.array([[row in rows for row in range(3)] for rows in pattern])
    x = images(4, 3, 3, 4, 4)
    normalized = np.reshape(layer.layer(x.reshape(-1, 3, 4, 4)), x.shape)
    y = np.reshape(layer(x.reshape(-1, 3, 4, 4), presence=presence), x.shape)
    for example, rows in enumerate(map(list, pattern)):
        own = normalized[example : example + 1, rows]
        expected = own if len(rows) == 1 else equation_6(own, gamma[rows])
        np.testing.assert_allclose(y[example : example + 1, rows], expected, atol=1e-6)


def test_gradient_reaches_the_modality_whose_channel_is_used():
    layer = built([[0.0, 1.0], [1.0, 1.0]])
    _, (of_inputs,) = gradients(layer, images(2, 3, 4, 2), lambda y: uneven_sum(y[0]))
    assert (of_inputs[0, ..., 0] == 0).all() and (of_inputs[1, ..., 0] != 0).all()
    assert (of_inputs[0, ..., 1] != 0).all() and (of_inputs[1, ..., 1] == 0).all()


def test_batch_statistics_and_penalty_pass_through_the_wrapper():
    norm = ModalityBatchNormalization(2, gamma_regularizer=ModalityShareL1(0.1))
    layer = ChannelExchange(norm)
    before = arrays(norm.weights) if norm.built else None
    layer(images(4, 3, 4, 6), training=True)
    assert before is None and np.abs(arrays(norm.moving_mean)[0]).max() > 0
    np.testing.assert_allclose(sum(layer.losses), 0.6, rtol=1e-6)
    assert layer.name == f"{norm.name}_exchange"


@pytest.mark.parametrize(
    "norm",
    [
        lambda: keras.layers.BatchNormalization(),
        lambda: ModalityBatchNormalization(2, scale=False),
        lambda: keras.layers.Conv2D(2, 1),
    ],
    ids=["shared", "without gamma", "no normalization"],
)
def test_wrong_normalization(norm):
    message = r"`layer` must be a private normalization, .* scale=True: .*Received: layer=<"
    with pytest.raises(ValueError, match=message):
        ChannelExchange(norm())


@pytest.mark.parametrize("axis", [1, [1, 2], [1, 2, 3]])
def test_a_gamma_for_each_channel_is_needed(axis):
    layer = ChannelExchange(ModalityLayerNormalization(2, axis=axis, name="norm"))
    with pytest.raises(ValueError, match=r"needs a gamma for each channel.*'norm', which .* axes"):
        layer(images(4, 3, 4, 6))


@pytest.mark.parametrize("threshold", [-1e-3, float("nan")])
def test_wrong_threshold(threshold):
    with pytest.raises(ValueError, match="`threshold` must not be negative"):
        ChannelExchange(ModalityBatchNormalization(2), threshold)


def given_up(layer):
    return np.logical_not(arrays(layer.keep_mask())[0])


def test_smallest_gammas_of_the_own_share_are_given_up():
    gamma = [[0.3, -0.1, 0.2, 0.4, 0, 0, 0, 0], [0, 0, 0, 0, 9.0, -7.0, 8.0, 6.0]]
    layer = built(gamma, rule="rank", rate=0.5)
    expected = [[False, True, True, False] + [False] * 4, [False] * 4 + [False, True, False, True]]
    np.testing.assert_array_equal(given_up(layer), expected)
    np.testing.assert_allclose(layer.exchange_rate(), [0.25, 0.25])


@pytest.mark.parametrize("modalities", [2, 3, 4])
@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_rank_keeps_the_rate_whatever_the_gammas(rate, modalities, rng):
    for gamma in (np.ones((modalities, 64)), rng.lognormal(0, 2, (modalities, 64))):
        shares = given_up(built(gamma, rule="rank", rate=rate)).sum(1) / (64 / modalities)
        np.testing.assert_allclose(shares, rate, atol=1.01 / (64 // modalities))
        assert abs(shares.mean() - rate) < 0.01


def test_equal_gammas_are_given_up_from_the_first():
    layer = built(np.ones((2, 6)), rule="rank", rate=0.34)
    np.testing.assert_array_equal(given_up(layer).nonzero(), [[0, 1], [0, 3]])


def test_rate_goes_to_its_end_in_steps_of_the_training():
    layer = built(np.ones((2, 20)), rule="rank", rate=0.2, start_rate=1.0, steps=4)
    x = images(2, 3, 3, 20)
    counts = [int(given_up(layer)[0].sum())]
    for _ in range(6):
        layer(x)  # counts nothing
        layer(x, training=True)
        counts.append(int(given_up(layer)[0].sum()))
    assert counts == [10, 8, 6, 4, 2, 2, 2]
    layer.trainable = False
    layer(x, training=True)
    assert int(layer.step) == 6


def test_steps_are_saved_with_the_weights():
    layer = built(np.ones((2, 20)), rule="rank", rate=0.0, start_rate=1.0, steps=4)
    layer(images(2, 3, 3, 20), training=True)
    again = ChannelExchange.from_config(layer.get_config())
    again.build((None, None, None, 20))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(given_up(again), given_up(layer))
    assert given_up(again).sum() == 15  # three quarters of ten, rounded down and up


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "rank", "rate": 1.1}, "`rate` must be in 0..1"),
        ({"rule": "rank", "start_rate": -0.1, "steps": 3}, "`start_rate` must be in 0..1"),
        ({"rule": "rank", "start_rate": 0.1}, "number of `steps`"),
        ({"rule": "gamma", "start_rate": 0.1, "steps": 3}, 'needs rule="rank"'),
        ({"rule": "size"}, "`rule` must be one of"),
    ],
)
def test_wrong_rule(settings, message):
    with pytest.raises(ValueError, match=message):
        ChannelExchange(ModalityBatchNormalization(2), **settings)


def test_an_exchanged_channel_learns_its_gamma_as_if_it_were_kept():
    gamma = [[0.3, 0.9, 1.0, 1.0], [1.0, 1.0, 0.8, 0.2]]
    falling = {"rule": "rank", "rate": 0.0, "start_rate": 0.5, "steps": 9}
    ranked, kept, fixed = built(gamma, **falling), built(gamma), built(gamma, rule="rank", rate=0.5)
    for layer in (ranked, kept, fixed):
        layer.layer.beta.assign(np.full((2, 4), 0.3))
    x = images(4, 3, 3, 4)
    np.testing.assert_array_equal(given_up(ranked).nonzero(), [[0, 1], [0, 3]])
    y = np.reshape(ranked(x), (2, 2, 3, 3, 4))
    normalized = np.reshape(ranked.layer(x), y.shape)
    given = np.where(given_up(ranked), 0.0, 1.0)
    np.testing.assert_allclose(y, equation_6(normalized, given), atol=1e-6)
    found, expected, without = (
        next(iter(gradients(layer, x, uneven_sum, training=True)[0].values()))
        for layer in (ranked, kept, fixed)
    )
    for place in [(0, 0), (1, 3)]:  # the exchanged ones
        assert without[place] == 0
        np.testing.assert_allclose(found[place], expected[place], rtol=1e-4)
