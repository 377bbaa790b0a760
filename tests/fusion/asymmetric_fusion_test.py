import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, to_multimodal
from keras_asym.layers import ChannelShuffle, PixelShift
from keras_asym.ops import shift_pixels
from tests.fusion.examples import LARGE, backbone, bottlenecks
from tests.helpers import arrays, images, randomize, run

PAIR = {"rgb": 3, "depth": 3}


def shifts(model):
    return [x.name.removesuffix("_shift") for x in model.layers if isinstance(x, PixelShift)]


@pytest.mark.parametrize(
    ("name", "sites"),
    [
        ("resnet18", [f"stack{stage}_block1_2_conv" for stage in range(4)]),
        ("keras_hub", [f"stack{stage}_block{n}_2_conv" for stage, n in enumerate((0, 1, 1, 0))]),
        pytest.param(
            "ResNet50",
            [f"conv{stage}_block{n}_2_conv" for stage, n in ((2, 3), (3, 4), (4, 6), (5, 3))],
            marks=LARGE,
        ),
    ],
)
def test_default_sites_are_the_last_block_of_each_stage(name, sites):
    network = backbone(name)
    model = to_multimodal(network, PAIR, AsymmetricFusion())
    assert shifts(model) == sites
    assert sum(isinstance(x, ChannelShuffle) for x in model.layers) == 8
    plain = to_multimodal(network, PAIR)
    assert model.count_params() == plain.count_params()


@pytest.mark.parametrize("name", [pytest.param("MobileNetV2", marks=LARGE)])
def test_custom_sites(name):
    fusion = AsymmetricFusion(sites=r"block_(2|4)_depthwise$")
    model = to_multimodal(backbone(name), PAIR, fusion)
    assert shifts(model) == ["block_2_depthwise", "block_4_depthwise"]


def test_basic_blocks_fuse_in_front_of_the_addition():
    model = to_multimodal(backbone("resnet18"), PAIR, AsymmetricFusion())
    sources = [x._keras_history.operation.name for x in model.get_layer("stack1_block1_add").input]
    assert sources == ["stack1_block0_out", "stack1_block1_2_conv_unshuffle"]


def shuffled(x, k):
    """x[m] with its last channels from the next modality; x is a list of arrays."""
    following = [*x[1:], x[0]]
    return [np.concatenate([a[..., :k], b[..., k:]], -1) for a, b in zip(x, following, strict=True)]


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_values_step_by_step(modalities):
    """PAPERS: shuffle, conv-bn-relu, add the other's shift, shuffle; 13 channels."""
    inputs = keras.Input((5, 6, 13))
    conv = keras.layers.Conv2D(13, 3, padding="same", use_bias=False, name="block0_2_conv")
    bn = keras.layers.BatchNormalization(name="block0_2_bn")
    network = keras.Model(inputs, keras.layers.ReLU(name="block0_2_relu")(bn(conv(inputs))))
    names = ["rgb", "depth", "edge"][:modalities]
    model = to_multimodal(network, dict.fromkeys(names, 13), AsymmetricFusion())
    randomize(model)
    conv.kernel.assign(model.get_layer("block0_2_conv").kernel)
    gamma, beta, mean, variance = arrays(model.get_layer("block0_2_bn").weights)

    x = [images(2, 5, 6, 13, seed=len(name)) for name in names]
    y = shuffled(x, 8) if modalities > 1 else x
    y = [
        (np.asarray(conv(v)) - mean[m]) / np.sqrt(variance[m] + 1e-3) * gamma[m] + beta[m]
        for m, v in enumerate(y)
    ]
    y = [np.maximum(v, 0) for v in y]
    if modalities > 1:
        following = [*x[1:], x[0]]
        y = [v + np.asarray(shift_pixels(o)) for v, o in zip(y, following, strict=True)]
        y = shuffled(y, 8)
    outputs = run(model, dict(zip(names, x, strict=True)))
    for name, expected in zip(names, y, strict=True):
        np.testing.assert_allclose(outputs[name], expected, atol=1e-5)


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_values_where_the_output_is_shifted(modalities):
    """Shuffle, strided convolution and norm, add the shift of the other's result, shuffle."""
    inputs = keras.Input((6, 8, 10))
    conv = keras.layers.Conv2D(13, 4, 2, padding="same", name="down2_conv")
    norm = keras.layers.GroupNormalization(-1, epsilon=1e-5, name="down2_norm")
    network = keras.Model(inputs, norm(conv(inputs)))
    names = ["rgb", "depth", "edge"][:modalities]
    fusion = AsymmetricFusion("down2_conv$", shift_source="output")
    model = to_multimodal(network, dict.fromkeys(names, 10), fusion)

    x = [images(2, 6, 8, 10, seed=len(name)) for name in names]
    y = [np.asarray(network(v)) for v in (shuffled(x, 8) if modalities > 1 else x)]
    if modalities > 1:
        following = [*y[1:], y[0]]
        y = [v + np.asarray(shift_pixels(o)) for v, o in zip(y, following, strict=True)]
        y = shuffled(y, 8)
    outputs = run(model, dict(zip(names, x, strict=True)))
    for name, expected in zip(names, y, strict=True):
        np.testing.assert_allclose(outputs[name], expected, atol=1e-5)


def test_modalities_meet():
    model = to_multimodal(bottlenecks(), PAIR, AsymmetricFusion())
    x = {name: images(2, 8, 9, 3, seed=len(name)) for name in PAIR}
    before, after = run(model, x), run(model, {**x, "depth": 2 * x["depth"]})
    assert not np.allclose(before["rgb"], after["rgb"])
    assert shifts(model) == ["stack0_block1_2_conv", "stack1_block1_2_conv"]


def test_a_convolution_that_changes_the_shape():
    for site in ("stack1_block0_2_conv", "stack1_block0_3_conv"):
        with pytest.raises(ValueError, match=f"keep height, width .* finds '{site}' with strides"):
            to_multimodal(bottlenecks(), PAIR, AsymmetricFusion(site))


def test_unknown_source_of_the_shift():
    with pytest.raises(ValueError, match='`shift_source` must be "input" or "output"'):
        AsymmetricFusion(shift_source="both")


def test_nothing_matches():
    with pytest.raises(ValueError, match=r"`sites` must match .*convolution.*: stem_conv, "):
        to_multimodal(bottlenecks(), PAIR, AsymmetricFusion(sites="nowhere"))
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    with pytest.raises(ValueError, match=r"`sites` must match .*convolutions are: none"):
        to_multimodal(network, PAIR, AsymmetricFusion())


def test_round_trip():
    fusion = AsymmetricFusion("conv$", "output", False, "plain", (0,))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(fusion))
    assert isinstance(again, AsymmetricFusion)
    assert again.get_config() == fusion.get_config()
