import keras
import numpy as np
import pytest

from keras_asym.layers import SelectedModalities, TokenExchange
from tests.helpers import arrays, gradients, images, run_program, uneven_sum
from tests.layers.contract import CHANNELS, LayerContract


class TestContract(LayerContract):
    training = (False, True)

    def make(self, modalities):
        return TokenExchange(modalities, l1=0.1)

    def inputs(self, modalities, height=5, width=6):
        shape = (4 * modalities, height, width)
        scores = np.random.default_rng(0).choice([0.004, 0.01, 0.3, 0.7], (*shape, 1))
        return [images(*shape, CHANNELS), scores.astype("float32")]


def exchanged(x, scores, presence=None, training=None, layer=None, **settings):
    """Of arrays `(batch, modalities, ...)`."""
    layer = layer or TokenExchange(x.shape[1], **settings)
    folded = [np.reshape(a, (-1, *np.shape(a)[2:])).astype("float32") for a in (x, scores)]
    return np.reshape(layer(folded, training=training, presence=presence), x.shape)


# Three tokens of one channel: both keep, the first modality gives the second token up, both do.
PAIR = np.array([[[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]])[..., None]
SCORES = np.array([[[0.5, 0.01, 0.01], [0.25, 0.5, 0.01]]])[..., None]


def test_two_modalities_by_hand():
    y = exchanged(PAIR, SCORES)[0, ..., 0]
    np.testing.assert_allclose(y, [[0.5, 10.0, 0.3], [2.5, 10.0, 0.03]], rtol=1e-6)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.0, [[0.5, 0.02, 0.03], [2.5, 10.0, 0.3]]),
        (0.3, [[0.5, 10.0, 0.3], [0.5, 10.0, 0.03]]),
        (1.0, [[2.5, 10.0, 0.3], [0.5, 0.02, 0.03]]),
    ],
)
def test_threshold(threshold, expected):
    y = exchanged(PAIR, SCORES, threshold=threshold)[0, ..., 0]
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def givers(modalities, height, width, seed=0, low=0.01):
    """Which modality gives each token, where all are given up: `(modalities, height, width)`."""
    shape = (1, modalities, height, width, 1)
    x = np.ones(shape) * np.arange(1, modalities + 1).reshape(1, -1, 1, 1, 1)
    y = exchanged(x, np.full(shape, low), seed=seed)[0, ..., 0] / low
    return np.rint(y).astype(int) - 1


@pytest.mark.parametrize("modalities", [3, 4])
def test_groups_of_tokens(modalities):
    found = givers(modalities, 9, 2 * modalities - 2)
    for row in range(modalities):
        others = sorted(set(range(modalities)) - {row})
        runs = found[row].reshape(-1, modalities - 1)
        assert (np.sort(runs, axis=1) == others).all()  # as many of each, and none of its own
        assert len(np.unique(runs, axis=0)) > 1
    steps = (found - np.arange(modalities).reshape(-1, 1, 1)) % modalities
    assert (steps[0] != steps[1]).any() and (steps[1] != steps[2]).any()
    assert (found != givers(modalities, 9, 2 * modalities - 2, seed=1)).any()


def test_groups_are_fixed_whatever_the_size_of_the_map():
    small, large = givers(3, 5, 7), givers(3, 130, 300)
    np.testing.assert_array_equal(large[:, :5, :7], small)
    np.testing.assert_array_equal(large[:, 64:128, 128:256], large[:, :64, :128])


def test_three_modalities_by_hand():
    x = np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1, 1) * np.ones((1, 1, 1, 2, 1))
    scores = np.array([[0.01, 0.01], [0.5, 0.01], [0.25, 0.5]]).reshape(1, 3, 1, 2, 1)
    first, _, _ = givers(3, 1, 2)[:, 0]
    of_first = {1: [5.0, 0.1], 2: [25.0, 50.0]}
    second = {0: 0.01, 2: 50.0}[givers(3, 1, 2)[1, 0, 1]]
    expected = [
        [of_first[first[0]][0], of_first[first[1]][1]],
        [5.0, second],
        [25.0, 50.0],
    ]
    np.testing.assert_allclose(exchanged(x, scores)[0, :, 0, :, 0], expected, rtol=1e-6)


def test_a_line_of_tokens_is_the_first_row():
    x, scores = images(2, 3, 1, 10, 4), np.full((2, 3, 1, 10, 1), 0.01)
    line = exchanged(x[:, :, 0], scores[:, :, 0])
    np.testing.assert_array_equal(line, exchanged(x, scores)[:, :, 0])


def test_no_token_of_an_absent_partner():
    x = np.repeat(PAIR, 3, axis=0)
    presence = np.array([[True, True], [True, False], [False, True]])
    y = exchanged(x, np.repeat(SCORES, 3, axis=0), presence)[..., 0]
    np.testing.assert_allclose(y[0], [[0.5, 10.0, 0.3], [2.5, 10.0, 0.03]], rtol=1e-6)
    np.testing.assert_allclose(y[1, 0], [0.5, 0.02, 0.03], rtol=1e-6)  # alone it is scaled
    np.testing.assert_allclose(y[2, 1], [2.5, 10.0, 0.3], rtol=1e-6)
    plain = exchanged(x, np.repeat(SCORES, 3, axis=0), presence, scale_alone=False)[..., 0]
    np.testing.assert_array_equal(plain[0], y[0])
    np.testing.assert_array_equal(plain[1, 0], [1, 2, 3])
    np.testing.assert_array_equal(plain[2, 1], [10, 20, 30])


def test_tokens_bound_to_an_absent_partner_are_only_scaled():
    x, scores = images(1, 3, 4, 6, 2), np.full((1, 3, 4, 6, 1), 0.01)
    y = exchanged(x, scores, np.array([[True, True, False]]))
    bound = givers(3, 4, 6)[0][..., None]
    expected = 0.01 * np.where(bound == 1, x[0, 1], x[0, 0])
    np.testing.assert_allclose(y[0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("presence", [None, [[True, False, True]], [[True, True, True]]])
def test_exchanged_tokens_are_those_that_are_not_their_own(presence):
    random = np.random.default_rng(0)
    x, scores = random.normal(size=(1, 3, 4, 6, 1)), random.uniform(0, 0.04, (1, 3, 4, 6, 1))
    presence = None if presence is None else np.array(presence)
    layer = TokenExchange(3)
    y = exchanged(x, scores, presence=presence, layer=layer)
    told = layer.exchanged_tokens(scores.reshape(3, 4, 6, 1), presence)
    np.testing.assert_array_equal(np.reshape(told, x.shape), abs(y - x * scores) > 1e-6)
    assert 0.1 < np.mean(told) < 0.6


def test_one_modality_is_left_as_it_is():
    x, scores = images(2, 1, 3, 4, 5), np.full((2, 1, 3, 4, 1), 0.01)
    np.testing.assert_array_equal(exchanged(x, scores), x)


def test_one_of_several_modalities_is_only_scaled():
    x, scores = images(2, 1, 3, 4, 5), np.full((2, 1, 3, 4, 1), 0.01)
    for scale_alone, expected in ((True, 0.01 * x), (False, x)):
        layer = SelectedModalities(TokenExchange(3, scale_alone=scale_alone), (1,))
        np.testing.assert_allclose(exchanged(x, scores, layer=layer), expected, rtol=1e-5)


def test_gradients_reach_the_token_that_is_used_and_both_scores():
    inputs = [a.reshape(2, 3, 1).astype("float32") for a in (PAIR, SCORES)]
    _, (of_x, of_scores) = gradients(TokenExchange(2), inputs, lambda y: uneven_sum(y[0]))
    np.testing.assert_array_equal(of_x[..., 0] != 0, [[True, False, False], [False, True, True]])
    np.testing.assert_array_equal(of_scores != 0, of_x != 0)


@pytest.mark.parametrize(("reduction", "number"), [("sum", 1), ("mean", 15)])
def test_penalty_of_those_who_are_there(reduction, number):
    scores = np.concatenate([SCORES, SCORES + 0.3, SCORES + 0.1])
    layer = TokenExchange(2, l1=2.0, reduction=reduction)
    presence = np.array([[True, True], [True, False], [True, True]])
    exchanged(np.repeat(PAIR, 3, axis=0), scores, presence, training=True, layer=layer)
    alone = SCORES[0, 0].sum() + 3 * 0.3
    wanted = 2.0 * (1.28 + alone + (1.28 + 6 * 0.1)) / number
    assert float(np.asarray(layer.losses[0])) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_penalty_of_all(reduction):
    layer = TokenExchange(2, l1=0.5, reduction=reduction)
    exchanged(PAIR, SCORES, training=True, layer=layer)
    wanted = {"sum": 1.28, "mean": 1.28 / 6}[reduction]
    assert float(np.asarray(layer.losses[0])) == pytest.approx(0.5 * wanted, rel=1e-6)


def test_no_penalty_outside_of_training_or_of_one_modality():
    for layer, training in ((TokenExchange(2, l1=1.0), False), (TokenExchange(2), True)):
        exchanged(PAIR, SCORES, training=training, layer=layer)
        assert not layer.losses
    layer = TokenExchange(1, l1=1.0)
    exchanged(PAIR[:, :1], SCORES[:, :1], training=True, layer=layer)
    assert not layer.losses


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow only")
def test_penalties_and_rates_of_two_replicas_are_those_of_one_device():
    """Where different sensors have failed on each: the same loss, gradients and rates."""
    found = run_program("tests.layers.token_exchange_replicas")
    one, two = (found[key].pop("weights") for key in ("one", "two"))
    assert found["two"] == pytest.approx(found["one"], rel=1e-5)
    logs = found["one"]
    of_outputs = logs["rgb_loss"] + logs["depth_loss"] + logs["ensemble_loss"]
    assert logs["loss"] > of_outputs + 0.2  # the penalties
    assert one.keys() == two.keys()
    for path, value in one.items():
        np.testing.assert_allclose(two[path], value, atol=1e-6, err_msg=path)
    rates = np.array([value for path, value in one.items() if path.endswith("measured_rate")])
    assert rates.shape == (2, 2) and ((rates > 0) & (rates < 1)).any()


def rates(layer):
    return arrays(layer.exchange_rate())[0]


def test_rates_are_measured_in_training_alone():
    layer = TokenExchange(2)
    np.testing.assert_array_equal(rates(layer), [0, 0])  # also before it is built
    exchanged(PAIR, SCORES, layer=layer)
    np.testing.assert_array_equal(rates(layer), [0, 0])
    exchanged(PAIR, SCORES, layer=layer, training=True)
    np.testing.assert_allclose(rates(layer), [2 / 3, 1 / 3], rtol=1e-6)
    exchanged(PAIR, np.ones_like(SCORES), layer=layer, training=True)  # a tenth of the average
    np.testing.assert_allclose(rates(layer), [0.9 * 2 / 3, 0.9 / 3], rtol=1e-6)
    layer.trainable = False
    exchanged(PAIR, SCORES, layer=layer, training=True)
    np.testing.assert_allclose(rates(layer), [0.9 * 2 / 3, 0.9 / 3], rtol=1e-6)


def test_rates_are_those_of_who_is_there():
    layer = TokenExchange(2)
    presence = np.array([[True, True], [False, True], [False, True]])
    exchanged(*(np.repeat(x, 3, axis=0) for x in (PAIR, SCORES)), presence, True, layer)
    np.testing.assert_allclose(rates(layer), [2 / 3, 1 / 9], rtol=1e-6)
    nobody = np.array([[False, True]])
    exchanged(PAIR, SCORES, nobody, True, layer)
    np.testing.assert_allclose(rates(layer), [2 / 3, 0.9 / 9], rtol=1e-6)


def test_rates_of_a_selection_leave_the_others():
    layer = TokenExchange(3, threshold=1.5)
    x, scores = images(2, 2, 3, 4, 5), np.full((2, 2, 3, 4, 1), 0.01)
    exchanged(x, scores, training=True, layer=SelectedModalities(layer, (0, 2)))
    assert rates(layer)[1] == 0 and 0 < rates(layer)[0] < 1  # those bound to the third


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": -0.1}, r"`threshold` must not be negative\. Received: threshold=-0\.1"),
        ({"l1": -1}, r"`l1` must not be negative\. Received: l1=-1"),
        ({"reduction": "max"}, r"`reduction` must be one of .*Received: reduction='max'"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TokenExchange(2, **settings)


@pytest.mark.parametrize("scores", [(2, 4, 5, 3), (2, 4, 4, 1), (2, 20, 1)])
def test_wrong_shapes(scores):
    with pytest.raises(ValueError, match="a score for each token of them"):
        TokenExchange(2)([np.zeros((2, 4, 5, 3), "float32"), np.zeros(scores, "float32")])


def test_tokens_below_the_threshold_in_half_precision():
    layer = TokenExchange(2, dtype="bfloat16")
    y = layer([keras.ops.cast(a.reshape(2, 3, 1), "bfloat16") for a in (PAIR, SCORES)])
    np.testing.assert_allclose(
        arrays(y)[0][..., 0], [[0.5, 10.0, 0.3], [2.5, 10.0, 0.03]], rtol=1e-2
    )
