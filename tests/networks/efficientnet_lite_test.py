import functools
import re

import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, to_multimodal
from keras_asym.fusion.stages import end_of_stage
from keras_asym.networks import ENCODER_VARIABLES, EfficientNetLite0, RefineNet
from tests.helpers import images, randomize_norms, run


def count(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


@functools.cache
def small():
    return randomize_norms(EfficientNetLite0(width=4))


def shapes(**options):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return EfficientNetLite0(**options)


def test_number_of_parameters():
    """That of the published program: 4,652,008."""
    assert count(shapes(num_classes=1000)) == 4_652_008
    assert count(shapes()) == 2_958_848


@pytest.mark.parametrize("size", [(65, 33), (64, 96), (1, 7)])
def test_features_of_any_size(size):
    features = run(small(), images(1, *size, 3))
    expected = [(1, -(-size[0] // s), -(-size[1] // s)) for s in (4, 8, 16, 32)]
    assert [x.shape[:3] for x in features] == expected
    assert [x.shape[-1] for x in features] == [3, 5, 14, 40]


@pytest.mark.parametrize(("stride", "dilations"), [(8, (1, 2, 2, 4)), (16, (1, 1, 1, 2))])
def test_a_stride_that_is_not_taken_dilates(stride, dilations):
    network = shapes(width=4, output_stride=stride, input_shape=(64, 96, 3))
    assert [64 // x.shape[1] for x in network.outputs] == [min(s, stride) for s in (4, 8, 16, 32)]
    for stack, dilation in zip((2, 3, 4, 5), dilations, strict=True):
        for block in (0, 1):
            found = network.get_layer(f"stack{stack}_block{block}_2_conv").dilation_rate
            assert found == (dilation, dilation)


def test_padding_is_tensorflows():
    """With an even size there is none in front, where PyTorch pads both sides."""
    network = small()
    stem = keras.Model(network.input, network.get_layer("conv1_conv").output)
    x = np.zeros((1, 8, 8, 3), "float32")
    x[0, 0, 0] = 1
    kernel = keras.ops.convert_to_numpy(network.get_layer("conv1_conv").kernel)
    np.testing.assert_allclose(run(stem, x)[0, 0, 0], kernel[0, 0].sum(0), atol=1e-6)


def test_a_block_by_hand():
    """Expansion, depthwise convolution, projection, with ReLU6 after the first two alone."""
    network = small()
    layers = {x.name: x for x in network.layers}
    x = 9 * images(1, 5, 6, 3)
    block = keras.Model(layers["stack1_block0_3_bn"].output, layers["stack1_block1_add"].output)

    def norm(y, name):
        gamma, beta, mean, variance = map(keras.ops.convert_to_numpy, layers[name].weights)
        return (y - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def kernel(name):
        return keras.ops.convert_to_numpy(layers[f"stack1_block1_{name}_conv"].weights[0])

    y = np.clip(norm(x @ kernel(1)[0, 0], "stack1_block1_1_bn"), 0, 6)
    padded = np.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = sum(
        padded[:, i : i + 5, j : j + 6] * kernel(2)[i, j, :, 0] for i in range(3) for j in range(3)
    )
    y = np.clip(norm(y, "stack1_block1_2_bn"), 0, 6)
    y = norm(y @ kernel(3)[0, 0], "stack1_block1_3_bn") + x
    np.testing.assert_allclose(run(block, x), y, rtol=1e-4, atol=1e-4)


def test_the_fusion_strategies_find_their_sites():
    network = small()
    model = to_multimodal(network, {"rgb": 3, "depth": 1}, ChannelExchanging())
    found = [x.name for x in model.layers if type(x).__name__ == "ChannelExchange"]
    assert len(found) == 16
    for name in found:
        site = re.match(r"(stack\d_block\d_2)_bn", name)[1]
        assert isinstance(network.get_layer(f"{site}_conv"), keras.layers.DepthwiseConv2D)
    model = to_multimodal(network, {"rgb": 3, "depth": 1}, AsymmetricFusion())
    shifts = [x.name for x in model.layers if type(x).__name__ == "PixelShift"]
    last = ("0_block0", "1_block1", "2_block1", "3_block2", "4_block2", "5_block3", "6_block0")
    assert shifts == [f"stack{block}_2_conv_shift" for block in last]


def test_stages_of_a_network_on_it():
    network = RefineNet(small(), 3, "light", (4, 4, 4, 4))
    ends = [end_of_stage(network, stage) for stage in ("early", "middle", "late")]
    assert ends == ["stack1_block1_add", "stack2_block1_add", "stack6_block0_3_bn"]


def test_every_variable_is_the_encoders():
    assert all(re.fullmatch(ENCODER_VARIABLES, w.path) for w in small().weights)


def test_wrong_output_stride():
    with pytest.raises(ValueError, match=r"must be 8, 16 or 32\. .*output_stride=4"):
        EfficientNetLite0(output_stride=4)
