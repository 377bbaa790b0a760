import functools

import keras
import numpy as np
import pytest

from keras_asym.networks import DeepLabV3

# (backbone, with a last convolution) -> trainable parameters for 19 classes.
COUNTS = {
    ("resnet101_deep", False): 58_163_923,  # the published 58.16 M
    ("resnet101", False): 58_040_147,
    ("resnet101_deep", True): 58_754_259,
    ("resnet101", True): 58_630_483,
}


@functools.cache
def shapes(backbone, **kwargs):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return DeepLabV3(backbone, input_shape=(129, 65, 3), **kwargs)


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@pytest.mark.parametrize(("backbone", "last_convolution"), COUNTS)
def test_number_of_parameters(backbone, last_convolution):
    network = shapes(backbone, last_convolution=last_convolution)
    assert count(network.trainable_weights) == COUNTS[backbone, last_convolution]
    assert network.name == f"deeplab_v3_{backbone}"


@pytest.mark.parametrize(
    ("output_stride", "dilations"),
    [(8, (1, 2, 4, 12, 24, 36)), (16, (1, 1, 2, 6, 12, 18)), (None, (1, 1, 2, 6, 12, 18))],
)
def test_dilations(output_stride, dilations):
    network = shapes("resnet18", output_stride=output_stride, backbone_width=4)
    names = [f"stack{i}_block0_1_conv" for i in (1, 2, 3)] + [f"aspp{i}_conv" for i in (1, 2, 3)]
    assert tuple(network.get_layer(name).dilation_rate[0] for name in names) == dilations
    stride = output_stride or 16
    assert network.output.shape == (None, 128 // stride + 1, 64 // stride + 1, 19)


def test_settings():
    network = shapes("resnet18", num_classes=7, filters=8, dropout=0.5, backbone_width=4)
    kernels = {x.name: x.kernel_size for x in network.layers if isinstance(x, keras.layers.Conv2D)}
    assert [kernels[f"aspp{i}_conv"] for i in range(4)] == [(1, 1), (3, 3), (3, 3), (3, 3)]
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    head = [x for x in norms if x.name.startswith("aspp")]
    assert len(head) == 6 and {(x.epsilon, x.momentum) for x in head} == {(1e-5, 0.9997)}
    order = [x._keras_history.operation.name for x in network.get_layer("aspp_concat").input]
    assert order == ["aspp_pool_resize", *(f"aspp{i}_relu" for i in range(4))]
    assert network.get_layer("aspp_dropout").rate == 0.5
    biased = {x.name for x in network.layers if getattr(x, "use_bias", False)}
    assert biased == {"classifier"} and network.output.shape[-1] == 7


def test_wrong_backbone():
    with pytest.raises(ValueError, match="`backbone` must be one of"):
        DeepLabV3("resnet")
