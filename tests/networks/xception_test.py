import functools

import keras
import numpy as np
import pytest

from keras_asym.networks import Xception
from keras_asym.networks.xception import module
from tests.helpers import images, randomize_norms, run

# Depth -> trainable parameters of the published program, and those of them that are norms.
COUNTS = {65: (37_867_312, 185_200), 71: (40_289_736, 198_976)}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@functools.cache
def shapes(depth, output_stride=16):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return Xception(depth, output_stride=output_stride, input_shape=(129, 97, 3))


@functools.cache
def small():
    return randomize_norms(Xception(41, width=4))


def of_kind(network, kind):
    return {x.name: x for x in network.layers if isinstance(x, kind)}


@pytest.mark.parametrize("depth", COUNTS)
def test_number_of_parameters(depth):
    network = shapes(depth)
    norms = of_kind(network, keras.layers.BatchNormalization).values()
    of_norms = sum(count(x.trainable_weights) for x in norms)
    assert (count(network.trainable_weights), of_norms) == COUNTS[depth]
    assert network.name == f"xception{depth}"


@pytest.mark.parametrize(
    ("output_stride", "dilations"),
    [
        (8, {"stack2_block0": 1, "stack2_block16": 2, "stack3_block0": 2, "stack3_block1": 4}),
        (16, {"stack2_block0": 1, "stack2_block16": 1, "stack3_block0": 1, "stack3_block1": 2}),
        (32, {"stack2_block0": 1, "stack2_block16": 1, "stack3_block0": 1, "stack3_block1": 1}),
    ],
)
def test_a_stride_that_is_not_taken_dilates_what_comes_after(output_stride, dilations):
    network = shapes(65, output_stride)
    for index in (1, 2, 3):
        for block, dilation in dilations.items():
            found = network.get_layer(f"{block}_{index}_depthwise_conv").dilation_rate
            assert found == (dilation, dilation)
    strided = {x.name for x in network.layers if getattr(x, "strides", (1, 1)) != (1, 1)}
    taken = range({8: 2, 16: 3, 32: 4}[output_stride])
    blocks = {f"stack{i}_block0_{layer}" for i in taken for layer in ("0_conv", "3_depthwise_conv")}
    assert strided == {"conv1_1_conv", *blocks}
    sizes = [x.shape[1:3] for x in network.outputs]
    strides = [min(stride, output_stride) for stride in (4, 8, 16, 32)]
    assert sizes == [(-(-129 // stride), -(-97 // stride)) for stride in strides]


def test_entry_flow_of_71():
    layers = of_kind(shapes(71), keras.layers.Conv2D)
    shortcuts = {x: y.strides[0] for x, y in layers.items() if y.name.endswith("_0_conv")}
    assert shortcuts == {
        "stack0_block0_0_conv": 2,
        "stack0_block1_0_conv": 1,
        "stack1_block0_0_conv": 2,
        "stack1_block1_0_conv": 1,
        "stack2_block0_0_conv": 2,
        "stack3_block0_0_conv": 1,
    }
    assert [x.shape[-1] for x in shapes(71).outputs] == [256, 728, 728, 2048]


def test_settings_of_the_published_program():
    network = shapes(65)
    norms = of_kind(network, keras.layers.BatchNormalization).values()
    assert {(x.epsilon, x.momentum) for x in norms} == {(1e-3, 0.9997)}
    convolutions = of_kind(network, keras.layers.Conv2D).values()
    depthwise = of_kind(network, keras.layers.DepthwiseConv2D).values()
    assert not any(x.use_bias for x in (*convolutions, *depthwise))
    starts = [x.kernel_initializer for x in convolutions]
    starts += [x.depthwise_initializer for x in depthwise]
    assert {(type(x).__name__, x.stddev) for x in starts} == {("TruncatedNormal", 0.09)}
    relus = of_kind(network, keras.layers.ReLU)
    in_modules = {x for x in relus if x.startswith("stack2_block5_")}
    assert in_modules == {f"stack2_block5_{index}_relu" for index in (1, 2, 3)}
    in_last = {x for x in relus if x.startswith("stack3_block1_")}
    assert in_last == {f"stack3_block1_{i}_{x}relu" for i in (1, 2, 3) for x in ("", "depthwise_")}


def test_the_shortcut_starts_in_front_of_the_first_relu():
    inputs = keras.Input((None, None, 4))
    network = keras.Model(inputs, module(inputs, (4, 4, 4), 1, 1, "block")[0])
    x = images(2, 5, 6, 4)
    before = keras.Model(network.input, network.get_layer("block_3_bn").output)
    np.testing.assert_allclose(network(x), x + np.asarray(before(x)), atol=1e-6)
    assert (x < 0).any()


def test_a_projected_shortcut_starts_in_front_of_the_first_relu():
    inputs = keras.Input((None, None, 4))
    network = randomize_norms(keras.Model(inputs, module(inputs, (4, 4, 6), 2, 1, "block")[0]))
    x = images(2, 5, 6, 4)
    branch = keras.Model(network.input, network.get_layer("block_3_bn").output)(x)
    projection, norm = (network.get_layer(f"block_0_{kind}") for kind in ("conv", "bn"))
    expected = np.asarray(norm(projection(x))) + np.asarray(branch)
    np.testing.assert_allclose(network(x), expected, atol=1e-5)


def test_low_level_features_are_not_rectified():
    network = small()
    low = network.outputs[0]
    assert low._keras_history.operation.name == "stack1_block0_2_bn"
    values = np.asarray(run(keras.Model(network.input, low), images(1, 33, 40, 3)))
    assert (values < 0).any() and values.shape == (1, 9, 10, 32)


@pytest.mark.parametrize("size", [(9, 12), (8, 7)])
def test_strided_convolutions_pad_both_sides(size):
    """One that reads the pixel in its centre gives the even pixels, whatever the size is."""
    network = small()
    x = images(1, *size, 3)
    stem = network.get_layer("conv1_1_conv")
    kernel = np.zeros(stem.kernel.shape, "float32")
    kernel[1, 1] = 1
    padded = network.get_layer("conv1_1_pad")(x)
    other = keras.layers.Conv2D(stem.filters, 3, stem.strides, stem.padding, use_bias=False)
    other.build(padded.shape)
    other.kernel.assign(kernel)
    expected = np.repeat(x[:, ::2, ::2].sum(-1, keepdims=True), stem.filters, -1)
    np.testing.assert_allclose(other(padded), expected, atol=1e-5)
    third = network.get_layer("stack0_block0_3_depthwise_conv")
    same = keras.layers.DepthwiseConv2D(3, third.strides, third.padding, use_bias=False)
    padded = network.get_layer("stack0_block0_3_pad")(x)
    same.build(padded.shape)
    same.kernel.assign(kernel[..., :1])
    np.testing.assert_allclose(same(padded), x[:, ::2, ::2], atol=1e-6)


def test_width():
    assert [x.shape[-1] for x in small().outputs] == [32, 32, 91, 256]
    names = {x.name.split("_")[0] for x in small().layers if x.weights}
    assert names == {"conv1", "stack0", "stack1", "stack2", "stack3"}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"depth": 50}, r"`depth` must be one of \[41, 65, 71\].*depth=50"),
        ({"output_stride": 4}, "`output_stride` must be 8, 16 or 32.*output_stride=4"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Xception(**kwargs)
