import types

import keras
import numpy as np
import pytest

from keras_asym import fusion, models
from keras_asym.keras_internals import sublayers
from keras_asym.layers import TokenExchange
from recipes.report.sites import SITES, look_at_sites
from tests.fusion.examples import bottlenecks
from tests.helpers import images

NAMES = {"rgb": 3, "depth": 3, "thermal": 3}


def inputs(names):
    return {name: images(1, 8, 12, 3, seed=seed) for seed, name in enumerate(names)}


def made(strategy, count=2):
    names = dict(list(NAMES.items())[:count])
    return models.Segmenter(bottlenecks(), names, strategy), inputs(names)


def layers_of(model):
    return [layer for layer in sublayers(model.network) if isinstance(layer, SITES)]


def output_of(model, layer, x):
    """What a layer gives, `(modalities, height, width, channels)`, by a model of its own."""
    return np.array(keras.Model(model.network.input, layer.output)(x))


@pytest.mark.parametrize("count", [2, 3])
def test_exchanged_channels_and_their_part_of_the_activation(count):
    strategy = fusion.ChannelExchanging(rule="random", rate=0.3)
    model, x = made(strategy, count)
    before = model(x)["ensemble"]
    layers = layers_of(model)
    found = look_at_sites(model, x)
    assert [site.name for site in found] == [layer.layer.name for layer in layers]
    assert len(found) == 4
    for site, layer in zip(found, layers, strict=True):
        np.testing.assert_array_equal(site.taken, ~np.array(layer.keep_mask()))
        np.testing.assert_allclose(site.share, 0.3)
        y = np.abs(output_of(model, layer, x))
        for row in range(count):
            expected = y[row][..., site.taken[row]].sum(-1) / y[row].sum(-1)
            np.testing.assert_allclose(site.acting[row], expected, rtol=1e-5)
            assert expected.min() > 0 and expected.max() < 1
    assert not any("call" in vars(layer) for layer in layers)
    np.testing.assert_array_equal(model(x)["ensemble"], before)


def test_shuffled_channels_of_those_that_receive():
    model, x = made(fusion.AsymmetricFusion(receivers=[1]))
    found = look_at_sites(model, x)
    assert len(found) == len(layers_of(model)) > 1
    for site in found:
        channels = site.taken.shape[1]
        np.testing.assert_array_equal(site.taken[1], np.arange(channels) >= 4 * (channels // 5))
        assert not site.taken[0].any() and not site.acting[0].any()
    assert any(site.acting[1].any() for site in found)


def test_who_is_absent_and_who_is_alone():
    model, x = made(fusion.ChannelExchanging(rule="all"), 3)
    two = look_at_sites(model, {**x, "present": np.array([[True, False, True]])})
    for site in two:
        np.testing.assert_array_equal(site.share, [1, np.nan, 1])
        assert np.isnan(site.acting[1]).all() and (site.acting[[0, 2]] > 0.999).all()
    for site in look_at_sites(model, {**x, "present": np.array([[True, False, False]])}):
        np.testing.assert_array_equal(site.share, [0, np.nan, np.nan])
        assert not site.acting[0].any()


class Tokens:
    """A model of one layer that exchanges tokens of a 2 x 3 map."""

    modality_names = ("rgb", "depth")

    def __init__(self, scores):
        x, s = keras.Input((6, 4)), keras.Input((6, 1))
        self.network = keras.Model([x, s], TokenExchange(2, threshold=0.5, name="tokens")([x, s]))
        self.scores = scores

    def __call__(self, inputs, training):
        return self.network([images(2, 6, 4), self.scores])


def test_exchanged_tokens():
    scores = np.array([[0.9, 0.1, 0.9, 0.9, 0.9, 0.2], [0.9] * 6], "float32")[..., None]
    (site,) = look_at_sites(Tokens(scores), inputs(Tokens.modality_names))
    assert site.name == "tokens" and site.taken is None
    np.testing.assert_array_equal(site.acting[0], [[0, 1, 0], [0, 0, 1]])
    assert not site.acting[1].any()
    np.testing.assert_allclose(site.share, [1 / 3, 0], rtol=1e-6)


def test_nothing_to_look_at():
    model, x = made(fusion.ChannelExchanging(), 1)
    assert look_at_sites(model, x) == []
    model, x = made(fusion.PrivateNormalization())
    assert look_at_sites(model, x) == []


def test_a_failing_model_leaves_the_layers_as_they_were():
    model, x = made(fusion.ChannelExchanging(rule="all"))

    def fails(*args, **kwargs):
        assert all("call" in vars(layer) for layer in layers_of(model))
        raise KeyError("here")

    broken = type("Broken", (), {"__call__": fails})()
    broken.network, broken.modality_names = model.network, model.modality_names
    with pytest.raises(KeyError, match="here"):
        look_at_sites(broken, x)
    assert not any("call" in vars(layer) for layer in layers_of(model))
    assert types.MethodType in {type(layer.call) for layer in layers_of(model)}
