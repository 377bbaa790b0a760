"""Strategies that are there to be compared with: unshared, shared, aligned."""

import numpy as np
import pytest

from keras_asym.fusion import (
    Alignment,
    AsymmetricFusion,
    ChannelExchanging,
    Combined,
    UnsharedNetworks,
    to_multimodal,
)
from keras_asym.layers import ChannelExchange
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks
from tests.helpers import LONG_ON_JAX, arrays, images

PAIR = {"rgb": 3, "depth": 3}
CONTROLS = {
    "unshared exchange": Combined([UnsharedNetworks(), ChannelExchanging(l1=0.1)]),
    "random exchange": ChannelExchanging(l1=0.0, rule="random", rate=0.3),
    "one direction": AsymmetricFusion(receivers=(0,)),
    "symmetric": AsymmetricFusion(shuffle=False, addition="plain"),
}


@LONG_ON_JAX
@pytest.mark.parametrize("name", CONTROLS)
def test_strategy_contract(name):
    check_strategy(CONTROLS[name], bottlenecks(blocks=(1, 2)), modalities=(2,))


def exchanges(fusion):
    model = to_multimodal(bottlenecks(), PAIR, fusion)
    return [x for x in model.layers if isinstance(x, ChannelExchange)]


def test_random_channels_are_chosen_once_for_each_site_and_modality():
    found = exchanges(ChannelExchanging(rule="random", rate=0.3, l1=0.0))
    masks = [np.asarray(x.keep_mask()) for x in found]
    assert all((~mask).sum(axis=1).tolist() == [3, 3] for mask in masks)
    assert len({mask.tobytes() for mask in masks}) == len(masks)
    assert (masks[0][0] != masks[0][1]).any()
    again = exchanges(ChannelExchanging(rule="random", rate=0.3, l1=0.0))
    np.testing.assert_array_equal(masks, [np.asarray(x.keep_mask()) for x in again])
    other = exchanges(ChannelExchanging(rule="random", rate=0.3, l1=0.0, seed=9))
    assert (np.asarray(masks) != [np.asarray(x.keep_mask()) for x in other]).any()


def test_all_channels_or_those_of_the_own_share():
    (first, *_) = exchanges(ChannelExchanging(rule="all"))
    assert not np.asarray(first.keep_mask()).any()
    (first, *_) = exchanges(ChannelExchanging(rule="all", share_only=True))
    expected = np.ones((2, 10), bool)
    expected[0, :5] = expected[1, 5:] = False
    np.testing.assert_array_equal(first.keep_mask(), expected)


def test_without_a_threshold_nothing_is_exchanged_but_penalized():
    (first, *_) = exchanges(ChannelExchanging(threshold=0.0, l1=0.1))
    first.layer.gamma.assign(np.zeros((2, 10)))
    assert np.asarray(first.keep_mask()).all() and first.layer.gamma_regularizer is not None


@pytest.mark.parametrize(
    ("fusion", "changed"),
    [
        (AsymmetricFusion(receivers=(0,)), {"rgb"}),
        (AsymmetricFusion(receivers=(1,)), {"depth"}),
        (AsymmetricFusion(), {"rgb", "depth"}),
    ],
)
def test_who_receives(fusion, changed):
    network = bottlenecks()
    model = to_multimodal(network, PAIR, fusion)
    x = {name: images(2, 16, 16, 3, seed=i) for i, name in enumerate(PAIR)}
    plain = {name: network(image) for name, image in x.items()}
    y = model(x)
    assert {name for name in PAIR if not np.allclose(y[name], plain[name], atol=1e-5)} == changed


@pytest.mark.parametrize(
    ("settings", "endings"),
    [
        ({"shuffle": False}, ["shift"]),
        ({"addition": "none"}, ["shuffle", "unshuffle"]),
        ({"shuffle": False, "addition": "plain"}, ["shift"]),
    ],
)
def test_parts_of_asymmetric_fusion(settings, endings):
    model = to_multimodal(bottlenecks(), PAIR, AsymmetricFusion(**settings))
    site = "stack0_block1_2_conv_"
    assert (
        sorted(x.name.removeprefix(site) for x in model.layers if x.name.startswith(site))
        == endings
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AsymmetricFusion(addition="sum"), "`addition` must be"),
        (lambda: AsymmetricFusion(shuffle=False, addition="none"), "`addition` must be"),
        (lambda: ChannelExchanging(rule="some"), "`rule` must be"),
        (lambda: ChannelExchanging(rule="random", rate=2), "`rate` must be in 0..1"),
        (lambda: Alignment(-1), "`weight` must not be negative"),
        (
            lambda: to_multimodal(bottlenecks(), PAIR, AsymmetricFusion(receivers=(2,))),
            r"`receivers` must be indices in 0\.\.1",
        ),
        (
            lambda: to_multimodal(bottlenecks(), PAIR, UnsharedNetworks("x$")),
            "`sites` must match the name of at least one layer with weights",
        ),
    ],
)
def test_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_gammas_of_unshared_networks_are_still_exchanged():
    fusion = CONTROLS["unshared exchange"]
    model = to_multimodal(bottlenecks(), PAIR, fusion)
    assert len([x for x in model.layers if isinstance(x, ChannelExchange)]) == 4
    assert arrays(model.losses)
