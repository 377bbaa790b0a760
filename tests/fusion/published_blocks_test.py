"""Blocks of the published PyTorch programs, with their weights, inputs and outputs.

`tests/data/published_blocks.npz` holds the first example of arrays that the published programs
computed once on a CPU in float32: NHWC, kernels in PyTorch's order (out, in, h, w), `x0` and `x1`
for the two modalities. Random weights; a quarter of the gammas lie below the threshold of 0.02.
Of the bottlenecks there is the upper left corner: 5x5 pixels in, the 4x4 that depend on them out.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, to_multimodal
from keras_asym.layers import ChannelExchange, ModalityBatchNormalization
from keras_asym.networks.refinenet import chained_residual_pooling, residual_units
from keras_asym.networks.resnet import bottleneck_block
from keras_asym.ops import fold, resize_bilinear, shift_pixels, shuffle_channels, unfold
from tests.helpers import distance, run

TOLERANCE = 2e-5
NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


@pytest.fixture(scope="module")
def published():
    with np.load(Path(__file__).parents[1] / "data/published_blocks.npz") as data:
        return dict(data)


def assert_published(outputs, published, name):
    for m, output in enumerate(outputs):
        assert distance(output, published[f"{name}{m}"]) < TOLERANCE


def set_norm(norm, published, name):
    for ours, theirs in NORM.items():
        rows = [published[f"{name}.bn_{m}.{theirs}"] for m in range(2)]
        getattr(norm, ours).assign(np.stack(rows))


def set_convolution(model, layer, published, name):
    layer = model.get_layer(layer)
    layer.kernel.assign(published[f"{name}.weight"].transpose(2, 3, 1, 0))
    if layer.use_bias:
        layer.bias.assign(published[f"{name}.bias"])


def test_exchange(published):
    norm = ModalityBatchNormalization(2, epsilon=1e-5)
    exchange = ChannelExchange(norm, threshold=2e-2)
    x = fold([published["exchange.x0"], published["exchange.x1"]])
    exchange.build(x.shape)
    set_norm(norm, published, "exchange.w")
    assert_published(unfold(norm(x), 2), published, "exchange.norm")
    assert_published(unfold(exchange(x), 2), published, "exchange.y")


@pytest.mark.parametrize("reverse", [False, True])
def test_shuffle_and_shift(published, reverse):
    x = fold([published["shiftshuffle.x0"], published["shiftshuffle.x1"]])
    name = "shiftshuffle.reverse." if reverse else "shiftshuffle."
    assert_published(unfold(shuffle_channels(x, 2), 2), published, f"{name}shuffle")
    assert_published(unfold(shift_pixels(x, reverse), 2), published, f"{name}shift")


def test_upsampling_with_aligned_corners(published):
    x = fold([published["align.x0"], published["align.x1"]])
    y = resize_bilinear(x, (11, 17), align_corners=True)
    assert_published(unfold(y, 2), published, "align.y")


def test_residual_convolution_units(published):
    inputs = keras.Input((9, 11, 12))
    model = keras.Model(inputs, residual_units(inputs, 3, "block"))
    for unit in range(3):
        theirs = f"rcu.w.{unit + 1}_conv"
        set_convolution(model, f"block_unit{unit}_1_conv", published, f"{theirs}.module")
        theirs = f"{theirs}_relu_varout_dimred.module"
        set_convolution(model, f"block_unit{unit}_2_conv", published, theirs)
    assert_published([run(model, published["rcu.x0"])], published, "rcu.y")


def test_chained_residual_pooling(published):
    inputs = keras.Input((9, 11, 12))
    model = keras.Model(inputs, chained_residual_pooling(inputs, 3, "block"))
    for index in range(4):
        theirs = f"crp.w.{index + 1}_outvar_dimred.module"
        set_convolution(model, f"block_pool{index}_conv", published, theirs)
    assert_published([run(model, published["crp.x0"])], published, "crp.y")


@pytest.mark.parametrize(
    ("system", "fusion", "filters"),
    [("cen", ChannelExchanging(), 8), ("asym", AsymmetricFusion(), 13)],
)
def test_bottleneck(published, system, fusion, filters):
    name = f"{system}.bottleneck"
    inputs = keras.Input((5, 5, 4 * filters))
    network = keras.Model(inputs, bottleneck_block(inputs, filters, 1, "stack0_block0"))
    model = to_multimodal(network, {"rgb": 4 * filters, "depth": 4 * filters}, fusion)
    for index in (1, 2, 3):
        ours = f"stack0_block0_{index}"
        set_convolution(model, f"{ours}_conv", published, f"{name}.w.conv{index}.module")
        wrapped = system == "cen" and index == 2
        norm = model.get_layer(f"{ours}_bn_exchange" if wrapped else f"{ours}_bn")
        set_norm(norm.layer if wrapped else norm, published, f"{name}.w.bn{index}")
    outputs = run(model, {"rgb": published[f"{name}.x0"], "depth": published[f"{name}.x1"]})
    corners = [outputs[modality][:, :4, :4] for modality in ("rgb", "depth")]
    assert_published(corners, published, f"{name}.y")
