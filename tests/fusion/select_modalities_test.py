import functools

import keras
import numpy as np
import pytest

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    PrivateNormalization,
    modality_names,
    select_modalities,
    to_multimodal,
)
from keras_asym.layers import ChannelExchange, ModalityBatchNormalization
from tests.fusion.examples import bottlenecks
from tests.helpers import arrays, images, randomize, run

CHANNELS = {"rgb": 3, "depth": 1, "hyper": 5}
PRIVATE, EXCHANGE = PrivateNormalization(), ChannelExchanging()
STRATEGIES = [PRIVATE, EXCHANGE, AsymmetricFusion()]


@functools.cache
def network():
    """With a site at full size and one at half of it; do not change it."""
    return bottlenecks(blocks=(1, 2))


def three(fusion):
    model = to_multimodal(network(), CHANNELS, fusion, ensemble=True)
    return randomize(model)


shared = functools.cache(three)
"""A model of each strategy for the tests that leave it as it is."""


def some(names):
    return {name: images(2, 8, 9, CHANNELS[name]) for name in names}


def by_hand(model, names, fusion):
    """A new model on `names` with the rows of their weights copied."""
    part = to_multimodal(network(), {name: CHANNELS[name] for name in names}, fusion, ensemble=True)
    rows = [list(CHANNELS).index(name) for name in names]
    private = {}
    for layer in model._flatten_layers():
        if isinstance(layer, ModalityBatchNormalization):
            private[layer.name] = layer
    for layer in part._flatten_layers(include_self=False):
        if isinstance(layer, ChannelExchange):
            continue
        if layer.name in private:
            layer.set_weights([w[rows] for w in arrays(private[layer.name].weights)])
        elif layer.name == "ensemble":
            layer.alpha.assign(arrays(model.get_layer("ensemble").alpha)[0][rows])
        elif layer.weights:
            layer.set_weights(arrays(model.get_layer(layer.name).weights))
    return part


def assert_same(actual, expected):
    assert sorted(actual) == sorted(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(actual[key], value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("names", [["rgb", "hyper"], ["depth"], ["rgb", "depth", "hyper"]])
@pytest.mark.parametrize("fusion", STRATEGIES, ids=lambda s: type(s).__name__)
def test_a_selection_is_the_network_of_its_modalities(fusion, names, tmp_path):
    model = shared(fusion)
    part = select_modalities(model, names)
    x = some(names)
    outputs, expected = run(part, x), run(by_hand(model, names, fusion), x)
    assert_same(outputs, expected)
    assert modality_names(part) == names
    part.save(tmp_path / "part.keras")
    loaded = keras.saving.load_model(tmp_path / "part.keras", safe_mode=True)
    assert_same(run(loaded, x), expected)
    if len(names) < 3:  # and from a model that was loaded
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
        assert_same(run(select_modalities(loaded, names), x), expected)


def test_weights_are_shared():
    model = three(EXCHANGE)
    part = select_modalities(model, ["depth", "rgb"])
    known = {id(w) for w in model.weights}
    assert part.weights and all(id(w) in known for w in part.weights)
    missing = known - {id(w) for w in part.weights}
    assert missing == {id(w) for w in model.get_layer("hyper_projection").weights}
    x = some(["rgb", "depth"])
    before = run(part, x)["rgb"]
    model.get_layer("stem_conv").kernel.assign(2 * model.get_layer("stem_conv").kernel)
    assert not np.allclose(run(part, x)["rgb"], before)


def test_one_modality_under_private_normalization_is_its_branch():
    model = shared(PRIVATE)
    full = run(model, some(CHANNELS))
    for name in CHANNELS:
        alone = run(select_modalities(model, [name]), some([name]))
        np.testing.assert_allclose(alone[name], full[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(alone["ensemble"], alone[name])


@pytest.mark.parametrize("fusion", STRATEGIES, ids=lambda s: type(s).__name__)
def test_selection_from_a_selection(fusion):
    model = shared(fusion)
    twice = select_modalities(select_modalities(model, ["depth", "hyper"]), ["hyper"])
    expected = run(select_modalities(model, ["hyper"]), some(["hyper"]))
    assert_same(run(twice, some(["hyper"])), expected)


def test_order_is_the_models():
    part = select_modalities(shared(PRIVATE), ["hyper", "rgb"])
    assert modality_names(part) == ["rgb", "hyper"]


def test_only_the_present_statistics_are_updated():
    model = three(PRIVATE)
    norm = model.get_layer("stem_bn")
    before = arrays(norm.moving_mean)[0]
    select_modalities(model, ["depth"])(some(["depth"]), training=True)
    after = arrays(norm.moving_mean)[0]
    assert (after[1] != before[1]).any()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("names", [[], ["thermal"], ["rgb", "thermal"], "rgb"])
def test_wrong_names(names):
    with pytest.raises(ValueError, match=r"some of the modalities \['rgb', 'depth', 'hyper'\]"):
        select_modalities(shared(PRIVATE), names)


def test_not_a_multimodal_model():
    with pytest.raises(ValueError, match="made by to_multimodal: 'small' has no FoldModalities"):
        select_modalities(network(), ["rgb"])


def test_a_selection_has_the_precision_of_its_model():
    """And not of the policy that new layers get at the time."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = bottlenecks(blocks=(1, 2))
    finally:
        keras.config.set_dtype_policy("float32")
    model = to_multimodal(mixed, {"rgb": 3, "depth": 1}, ensemble=True)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        part = select_modalities(model, ["depth"])
    finally:
        keras.config.set_dtype_policy("float32")
    for each in (model, part):
        found = {keras.backend.standardize_dtype(x.dtype) for x in each.output.values()}
        assert found == {"bfloat16"}
    x = {"rgb": 1e5 * images(1, 8, 8, 3), "depth": 1e5 * images(1, 8, 8, 1)}
    for y in (*run(model, x).values(), *run(part, {"depth": x["depth"]}).values()):
        assert np.isfinite(arrays(y)[0]).all()
