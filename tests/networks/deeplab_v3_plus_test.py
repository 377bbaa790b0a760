import functools

import keras
import numpy as np
import pytest

from keras_asym.fusion import SharedNormalizations, to_multimodal
from keras_asym.layers import ResizeLike
from keras_asym.networks import DeepLabV3Plus, ResNet
from tests.helpers import images, run

# Trainable parameters of the published program for 19 classes.
COUNTS = {"xception65": 41_054_899, "xception71": 43_477_323}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@functools.cache
def shapes(backbone, **kwargs):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return DeepLabV3Plus(backbone, input_shape=(513, 257, 3), **kwargs)


@functools.cache
def small():
    return DeepLabV3Plus("resnet18", 5, filters=8, low_level_filters=6, backbone_width=4)


def norms(network):
    return [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]


def sources(network, name):
    """The layers that a layer reads, in its order."""
    inputs = network.get_layer(name).input
    return [x._keras_history.operation.name for x in inputs]


@pytest.mark.parametrize("backbone", COUNTS)
def test_number_of_parameters(backbone):
    network = shapes(backbone)
    assert count(network.trainable_weights) == COUNTS[backbone]
    assert network.output.shape == (None, 129, 65, 19)
    assert network.name == f"deeplab_v3_plus_{backbone}"


def test_cost_of_a_further_modality():
    """One row of norms more; with the encoder's alone there are fewer."""
    network = shapes("xception65")
    of_all = sum(count(x.trainable_weights) for x in norms(network))
    encoder = [x for x in norms(network) if x.name.startswith(("conv1", "stack"))]
    of_encoder = sum(count(x.trainable_weights) for x in encoder)
    shared = count(network.trainable_weights)
    assert (shared + of_encoder, shared + of_all) == (41_240_099, 41_257_699)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fusion", "parameters"),
    [(None, 41_257_699), (SharedNormalizations("^(aspp|decoder)"), 41_240_099)],
)
def test_cost_of_a_further_modality_as_counted(fusion, parameters):
    model = to_multimodal(DeepLabV3Plus(), {"rgb": 3, "depth": 3}, fusion, check=False)
    assert count(model.trainable_weights) == parameters


@pytest.mark.parametrize(
    ("output_stride", "dilations"), [(8, (12, 24, 36)), (16, (6, 12, 18)), (32, (3, 6, 9))]
)
def test_dilations_of_the_pooling(output_stride, dilations):
    network = shapes("resnet18", output_stride=output_stride, backbone_width=8)
    found = [network.get_layer(f"aspp{i}_depthwise_conv").dilation_rate for i in (1, 2, 3)]
    assert found == [(dilation, dilation) for dilation in dilations]
    assert network.get_layer("aspp_concat").output.shape[1] == 512 // output_stride + 1
    assert network.output.shape[1:3] == (129, 65)


def test_order_of_what_is_concatenated():
    network = shapes("xception65")
    assert sources(network, "aspp_concat") == [
        "aspp_pool_resize",
        "aspp0_relu",
        "aspp1_relu",
        "aspp2_relu",
        "aspp3_relu",
    ]
    assert sources(network, "decoder_concat") == ["decoder_resize", "decoder_low_level_relu"]
    assert network.get_layer("decoder_resize").output.shape[-1] == 256
    low = network.get_layer("decoder_low_level_conv")
    assert low.input._keras_history.operation.name == "stack1_block0_2_bn"
    assert low.input.shape[1:] == (129, 65, 256) and low.filters == 48


def test_settings_of_the_published_program():
    network = shapes("xception65")
    head = [x for x in network.layers if x.name.startswith(("aspp", "decoder", "classifier"))]
    assert {(x.epsilon, x.momentum) for x in norms(network) if x in head} == {(1e-5, 0.9997)}
    assert [x.rate for x in network.layers if isinstance(x, keras.layers.Dropout)] == [0.1]
    resizes = [x for x in network.layers if isinstance(x, ResizeLike)]
    assert len(resizes) == 2 and all(x.align_corners for x in resizes)
    separable = ("aspp1", "aspp2", "aspp3", "decoder1", "decoder2")
    for name in separable:
        depthwise, pointwise = (network.get_layer(f"{name}_{x}conv") for x in ("depthwise_", ""))
        assert depthwise.depthwise_initializer.stddev == 0.33
        assert pointwise.kernel_initializer.stddev == 0.06
        assert {f"{name}_depthwise_relu", f"{name}_relu"} <= {x.name for x in head}
    classifier = network.get_layer("classifier")
    assert classifier.use_bias and classifier.kernel_initializer.stddev == 0.01
    assert not any(getattr(x, "use_bias", False) for x in head if x is not classifier)


def test_the_coarser_features_are_resized_with_aligned_corners():
    """Of an image of 16 k + 1 pixels every fourth pixel of the decoder is one of the pooling."""
    network = small()
    pooled, resized = (network.get_layer(x).output for x in ("aspp_dropout", "decoder_resize"))
    probe = keras.Model(network.input, [pooled, resized])
    pooled, resized = (np.asarray(x) for x in run(probe, images(1, 33, 49, 3)))
    assert pooled.shape[1:3] == (3, 4) and resized.shape[1:3] == (9, 13)
    np.testing.assert_allclose(resized[:, ::4, ::4], pooled, atol=1e-5)


def test_any_functional_encoder():
    encoder = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(64, 96, 3), alpha=0.35
    )
    network = DeepLabV3Plus(encoder, 5, filters=8)
    assert network.output.shape == (None, 16, 24, 5)
    assert network.get_layer("block_3_expand") is encoder.get_layer("block_3_expand")
    assert network.name == f"deeplab_v3_plus_{encoder.name}"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"backbone": "vgg"}, r"`backbone` must be one of \['resnet18', .*backbone='vgg'"),
        ({"output_stride": 12}, "`output_stride` must be 8, 16 or 32"),
        ({"dropout": 1.5}, "rate"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        DeepLabV3Plus(**{"backbone": "resnet18", "backbone_width": 4, **kwargs})


def test_encoders_that_do_not_fit():
    encoder = ResNet(18, width=4)
    with pytest.raises(ValueError, match=r"`output_stride` must be .* 32, or None.*=16"):
        DeepLabV3Plus(encoder, output_stride=16)
    with pytest.raises(ValueError, match="`backbone_width` must be None"):
        DeepLabV3Plus(encoder, backbone_width=8)
    coarse = keras.Model(encoder.input, encoder.outputs[1:])
    with pytest.raises(ValueError, match=r"features of stride 4.*\[8, 16, 32\]"):
        DeepLabV3Plus(coarse)
