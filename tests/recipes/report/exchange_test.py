import re
import types

import keras
import numpy as np
import pytest

from keras_asym.layers import ChannelExchange, ModalityBatchNormalization
from recipes.report.exchange import exchange_layers, exchange_section, percentage, warning


def layer(gamma, name="stack1_block0_2_bn", threshold=0.02):
    gamma = np.array(gamma)
    rate = (np.abs(gamma) < threshold).mean(1)
    return {"name": name, "gamma": gamma, "threshold": threshold, "rate": rate}


MODALITIES = {2: ["rgb", "depth"], 3: ["rgb", "depth", "normal"], 1: ["rgb"]}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_histogram_and_a_rate_for_each_modality(count):
    gamma = np.full((count, 8), 0.5)
    gamma[:, :2] = -0.001
    html = exchange_section([layer(gamma), layer(gamma, "<b>")], MODALITIES[count])
    assert html.count("<svg") == 2 * count
    assert html.count('"rate">25.0 %') == 2 * count
    assert "&lt;b&gt;" in html and "WARNING" not in html


def test_no_exchange_anywhere_is_a_warning():
    html = exchange_section([layer([[0.5], [0.5]])] * 3, MODALITIES[2])
    assert "WARNING" in html and "No channel is exchanged: gammas never fell below" in html
    assert html.count('"rate none">0 %') == 6


def test_exchange_everywhere_is_a_warning():
    html = exchange_section([layer([[0.001], [0.0]])] * 3, MODALITIES[2])
    assert "WARNING" in html and "Every channel is exchanged" in html
    assert html.count('"rate all">100 %') == 6


def test_one_layer_without_exchange_is_marked_only():
    html = exchange_section([layer([[0.5], [0.5]]), layer([[0.5, 0.0], [0.5, 0.0]])], MODALITIES[2])
    assert "WARNING" not in html and html.count('"rate none"') == 2


@pytest.mark.parametrize(("rule", "threshold", "rate"), [("all", 0.02, 1.0), ("gamma", 0.0, 0.0)])
def test_what_the_strategy_says_is_no_reason_to_warn(rule, threshold, rate):
    found = layer([[0.5, 0.0], [0.001, 0.5]], threshold=threshold)
    html = exchange_section([{**found, "rule": rule, "rate": np.full(2, rate)}], MODALITIES[2])
    assert "WARNING" not in html and "left of the line" not in html and "not gamma" in html
    assert html.count("<svg") == 2 and "nan" not in html
    if threshold == 0:
        assert 'class="below"' not in html and "<td>&ndash;</td>" in html


def test_channels_by_rank():
    found = {**layer([[0.5, 0.0], [0.001, 0.5]], threshold=0.0), "rule": "rank"}
    html = exchange_section([found], MODALITIES[2])
    assert "as many as the target rate says" in html and "<td>&ndash;</td>" in html


def test_warning_reads_all_rates():
    assert warning(np.array([[0.0, 0.0], [0.0, 0.01]])) == ""
    assert warning(np.array([[1.0, 1.0], [1.0, 0.0]])) == ""


def test_bars_are_divided_at_each_layer_s_own_threshold():
    gamma = [[0.019, 0.021, 0.5, 0.5]]
    html = exchange_section([layer(gamma), layer(gamma, threshold=0.013)], MODALITIES[1])
    first, second = re.findall("<svg.*?</svg>", html)
    assert first.count('class="below"') == 1 and second.count('class="below"') == 0


def test_a_large_negative_gamma_is_above_the_threshold():
    html = exchange_section([layer([[-0.5, -0.4]])], MODALITIES[1])
    assert 'class="below"' not in html and 'class="above"' in html


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.0004, "< 0.1 %"), (0.9996, "> 99.9 %"), (0.125, "12.5 %")],
)
def test_percentage(rate, text):
    assert percentage(rate) == text


def test_data_that_do_not_fit():
    bad = {**layer([[0.5], [0.5]]), "rate": np.array([0.1])}
    with pytest.raises(
        ValueError, match=r"layer 'stack1_block0_2_bn' must have gamma \(2, channels\)"
    ):
        exchange_section([bad], MODALITIES[2])
    with pytest.raises(ValueError, match=r"gamma \(2, 1\)"):
        exchange_section([layer([[0.5], [0.5]])], MODALITIES[3])


class Holder(keras.layers.Layer):
    """Has an exchange inside; here the one that stands in the network, too, and counts once."""

    def __init__(self, layer):
        super().__init__()
        self.inside = layer


def test_layers_of_a_model():
    exchange = ChannelExchange(ModalityBatchNormalization(2, name="block0_bn"), 0.02)
    exchange(np.zeros((2, 3, 3, 4), "float32"))
    gamma = np.array([[0.5, 0.01, -0.01, 1.0], [0.0, 0.5, 0.5, -0.5]], "float32")
    exchange.layer.gamma.assign(gamma)
    model = types.SimpleNamespace(
        network=keras.Sequential([ModalityBatchNormalization(2), exchange, Holder(exchange)])
    )
    (found,) = exchange_layers(model)
    assert found["name"] == "block0_bn" and found["threshold"] == 0.02
    assert found["rule"] == "gamma"
    np.testing.assert_array_equal(found["gamma"], gamma)
    np.testing.assert_array_equal(found["rate"], [0.5, 0.25])
    html = exchange_section([found], MODALITIES[2])
    assert "rgb 50.0 %, depth 25.0 %" in html
