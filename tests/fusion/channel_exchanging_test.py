import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import ChannelExchanging, to_multimodal
from keras_asym.layers import ChannelExchange
from keras_asym.regularizers import ModalityShareL1
from tests.fusion.examples import LARGE, backbone, bottlenecks
from tests.helpers import arrays, images, randomize, run

PAIR = {"rgb": 3, "depth": 3}


def exchanges(model):
    return [x for x in model.layers if isinstance(x, ChannelExchange)]


@pytest.mark.parametrize(
    ("name", "sites", "count", "first"),
    [
        pytest.param("ResNet50", None, 16, "conv2_block1_2_bn", marks=LARGE),
        ("keras_hub", None, 6, "stack0_block0_2_bn"),
        ("resnet18", None, 8, "stack0_block0_2_bn"),
        pytest.param(
            "MobileNetV2", r"depthwise_BN$", 17, "expanded_conv_depthwise_BN", marks=LARGE
        ),
        pytest.param("EfficientNetV2B0", r"expand_bn$", 20, "block2a_expand_bn", marks=LARGE),
    ],
)
def test_sites(name, sites, count, first):
    fusion = ChannelExchanging() if sites is None else ChannelExchanging(sites=sites)
    model = to_multimodal(backbone(name), PAIR, fusion)
    found = exchanges(model)
    assert len(found) == count
    assert found[0].layer.name == first and found[0].name == f"{first}_exchange"
    assert len({x.name for x in found}) == count


def test_settings_reach_the_layers():
    fusion = ChannelExchanging(threshold=0.1, l1=0.5, share_only=True)
    found = exchanges(to_multimodal(bottlenecks(), PAIR, fusion))
    assert len(found) == 4
    for layer in found:
        assert layer.threshold == 0.1 and layer.share_only
        assert layer.layer.gamma_regularizer.get_config() == {"l1": 0.5}


def test_penalty_is_on_each_share_of_every_exchanged_gamma():
    model = to_multimodal(bottlenecks(), PAIR, ChannelExchanging(l1=0.5))
    randomize(model)
    expected = 0.0
    for layer in exchanges(model):
        gamma = np.abs(arrays(layer.layer.gamma)[0])
        expected += 0.5 * (gamma[0, :5].sum() + gamma[1, 5:].sum())
    np.testing.assert_allclose(sum(model.losses), expected, rtol=1e-5)
    no_penalty = to_multimodal(bottlenecks(), PAIR, ChannelExchanging(l1=0))
    assert not no_penalty.losses and len(exchanges(no_penalty)) == 4


@pytest.mark.parametrize("modalities", [2, 3])
def test_values_by_hand(modalities):
    """conv -> bn -> exchange (Eq. 6) -> relu -> conv, with gammas given up by several."""
    inputs = keras.Input((5, 6, 3))
    conv, bn, head = (
        layers.Conv2D(7, 3, padding="same", use_bias=False, name="block0_2_conv"),
        layers.BatchNormalization(name="block0_2_bn"),
        layers.Conv2D(2, 1, name="head"),
    )
    network = keras.Model(inputs, head(layers.ReLU(name="relu")(bn(conv(inputs)))))
    names = ["rgb", "depth", "edge"][:modalities]
    model = to_multimodal(network, dict.fromkeys(names, 3), ChannelExchanging())
    randomize(model)
    x = {name: images(2, 5, 6, 3, seed=len(name)) for name in names}
    norm = exchanges(model)[0].layer
    gamma, beta, mean, variance = (
        arrays(getattr(norm, key))[0] for key in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    gamma[:, 2] = 0.0
    norm.gamma.assign(gamma)
    conv.kernel.assign(model.get_layer("block0_2_conv").kernel)
    normalized = [
        (np.asarray(conv(x[name])) - mean[m]) / np.sqrt(variance[m] + 1e-3) * gamma[m] + beta[m]
        for m, name in enumerate(names)
    ]
    kernel, bias = arrays(model.get_layer("head").weights)
    outputs = run(model, x)
    for m, name in enumerate(names):
        others = sum(normalized[k] for k in range(modalities) if k != m) / (modalities - 1)
        y = np.where(np.abs(gamma[m]) >= 2e-2, normalized[m], others)
        expected = np.maximum(y, 0) @ kernel[0, 0] + bias
        np.testing.assert_allclose(outputs[name], expected, atol=1e-5)


def test_modalities_meet():
    model = to_multimodal(bottlenecks(), PAIR, ChannelExchanging())
    randomize(model)
    x = {name: images(2, 8, 9, 3, seed=len(name)) for name in PAIR}
    before, after = run(model, x), run(model, {**x, "depth": 2 * x["depth"]})
    assert not np.allclose(before["rgb"], after["rgb"])


def test_nothing_matches():
    with pytest.raises(
        ValueError,
        match=r"`sites` must match .*normalization layer in the network 'small'.*"
        r"sites='nowhere'; its .* are: stem_bn, stack0_block0_1_bn, .*\.\.\.",
    ):
        to_multimodal(bottlenecks(), PAIR, ChannelExchanging(sites="nowhere"))
    with pytest.raises(ValueError, match="`sites` must match"):
        to_multimodal(bottlenecks(), {"rgb": 3}, ChannelExchanging(sites="nowhere"))


def test_norm_without_gamma():
    inputs = keras.Input((8, 8, 3))
    outputs = layers.BatchNormalization(scale=False, name="block0_2_bn")(inputs)
    with pytest.raises(ValueError, match="'block0_2_bn' does not have; choose"):
        to_multimodal(keras.Model(inputs, outputs), PAIR, ChannelExchanging())


def test_round_trip():
    fusion = ChannelExchanging(0.1, 0.2, True, "bn$", target_rate=0.5, start_rate=1.0, steps=9)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(fusion))
    assert isinstance(again, ChannelExchanging) and again.get_config() == fusion.get_config()
    assert isinstance(ModalityShareL1(0.1), keras.regularizers.Regularizer)


@pytest.mark.parametrize("modalities", [2, 3, 4])
@pytest.mark.parametrize("gammas", ["ones", "of ImageNet"])
def test_target_rate_is_reached_whatever_the_training(modalities, gammas, rng):
    names = {f"m{index}": 3 for index in range(modalities)}
    fusion = ChannelExchanging(target_rate=0.25, start_rate=0.0, steps=2)
    model = to_multimodal(bottlenecks(24), names, fusion)
    if gammas != "ones":
        for layer in exchanges(model):
            layer.layer.gamma.assign(rng.gamma(4.0, 0.05, layer.layer.gamma.shape))
    x = {name: images(2, 8, 9, 3, seed=index) for index, name in enumerate(names)}
    assert all((arrays(layer.exchange_rate())[0] == 0).all() for layer in exchanges(model))
    for _ in range(2):
        model(x, training=True)
    rates = [arrays(layer.exchange_rate())[0] * modalities for layer in exchanges(model)]
    np.testing.assert_allclose(np.mean(rates), 0.25, atol=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target_rate": 1.5}, "`target_rate` must be in 0..1"),
        ({"target_rate": 0.5, "rule": "all"}, "leave `rule` out"),
        ({"start_rate": 0.5}, "needs `target_rate`"),
        ({"target_rate": 0.5, "start_rate": 0.0}, "number of `steps`"),
    ],
)
def test_wrong_target(settings, message):
    with pytest.raises(ValueError, match=message):
        ChannelExchanging(**settings)
