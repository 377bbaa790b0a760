import functools
import math

import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.keras_internals import operation_of
from keras_asym.networks.adapnet_encoder import adapnet_features, bottleneck
from tests.helpers import images, randomize_norms, run

WIDTH = 4
UNITS = (3, 4, 6, 3)
BLOCKS = [
    f"stack{stack}_block{block}" for stack, count in enumerate(UNITS) for block in range(count)
]


@functools.cache
def encoder():
    with keras.StatelessScope(initialize_variables=False):
        inputs = keras.Input((None, None, 3))
        return keras.Model(inputs, adapnet_features(inputs, WIDTH))


def before(network, name):
    """Names of the layers whose outputs a layer gets."""
    return [operation_of(x).name for x in keras.tree.flatten(network.get_layer(name).input)]


def path_to(network, end, start):
    """Names of the layers from one to another, which get one tensor each."""
    names = [end]
    while names[-1] != start:
        names += before(network, names[-1])
    return names[::-1]


def convolutions(network):
    return {x.name: x for x in network.layers if isinstance(x, layers.Conv2D)}


def test_stem():
    network = encoder()
    start = operation_of(network.inputs[0]).name
    stem = ["input_bn", "conv1_conv", "conv1_bn", "conv1_relu", "pool1_pool"]
    assert path_to(network, "pool1_pool", start) == [start, *stem]
    convolution, pool = network.get_layer("conv1_conv"), network.get_layer("pool1_pool")
    assert (convolution.kernel_size, convolution.strides) == ((7, 7), (2, 2))
    assert (pool.pool_size, pool.strides, pool.padding) == ((3, 3), (2, 2), "same")


def test_taps_are_rectified_at_strides_4_8_and_16():
    network = encoder()
    names = [operation_of(x).name for x in network.outputs]
    assert names == ["stack0_out_relu", "stack1_out_relu", "stack3_out_relu"]
    for name, end in zip(names, ("stack0_block2", "stack1_block3", "stack3_block2"), strict=True):
        out = name.removesuffix("_relu")
        assert path_to(network, name, f"{end}_add") == [f"{end}_add", f"{out}_bn", f"{out}_relu"]
    shapes = network.compute_output_shape((1, 64, 96, 3))
    assert [tuple(shape) for shape in shapes] == [
        (1, 16, 24, 4 * WIDTH),
        (1, 8, 12, 8 * WIDTH),
        (1, 4, 6, 32 * WIDTH),
    ]


@pytest.mark.parametrize("block", BLOCKS)
def test_units_and_their_exceptions(block):
    """What the first convolution and the shortcut of each unit start from."""
    network, index = encoder(), BLOCKS.index(block)
    preactivated = [f"{block}_preact_bn", f"{block}_preact_relu"]
    start, shortcut, first_strides = {
        "stack0_block0": (["pool1_pool"], "stack0_block0_1_relu", 1),
        "stack1_block0": (["stack0_out_relu"], "stack0_out_relu", 2),
        "stack2_block0": (["stack1_out_relu"], "stack1_out_relu", 2),
        "stack3_block0": (["stack2_block5_add", *preactivated], preactivated[1], 1),
    }.get(block, ([f"{BLOCKS[index - 1]}_add", *preactivated], None, 1))
    first = [f"{block}_1_conv", f"{block}_1_bn", f"{block}_1_relu"]
    assert path_to(network, first[-1], start[0]) == [*start, *first]
    last = f"{block}_3_conv"
    assert before(network, last) == [f"{block}_2_relu"]
    assert before(network, f"{block}_2_relu") == [f"{block}_2_bn"]
    added = f"{block}_dropout" if block == "stack3_block2" else last
    assert before(network, added) == ([last] if added != last else [f"{block}_2_relu"])
    other, end = before(network, f"{block}_add")
    assert end == added  # no norm behind the last convolution
    if shortcut is None:
        assert other == f"{BLOCKS[index - 1]}_add"  # raw
    else:
        assert other == f"{block}_0_conv" and before(network, other) == [shortcut]
        assert network.get_layer(other).strides == (first_strides, first_strides)
    inner = [x for name, x in convolutions(network).items() if name.startswith(f"{block}_2")]
    for x in inner:
        assert x.strides == (first_strides, first_strides) and x.kernel_size == (3, 3)
        assert before(network, x.name) == [f"{block}_1_relu"]
    width = WIDTH * 2 ** int(block[5])
    assert sum(x.filters for x in inner) == width
    assert network.get_layer(last).filters == 4 * width


def test_dilations_of_the_halves():
    network, found = encoder(), {}
    for block in BLOCKS:
        end = before(network, f"{block}_2_bn")[0]
        parts = before(network, end) if end.endswith("concat") else [end]
        parts = [network.get_layer(name) for name in parts]
        assert len({x.filters for x in parts}) == 1
        found[block] = [x.dilation_rate[0] for x in parts]
    dilated = {block: value for block, value in found.items() if value != [1]}
    assert dilated == {
        **{b: [1, 2] for b in ("stack1_block3", *(f"stack2_block{i}" for i in (2, 3, 4, 5)))},
        **{f"stack3_block{i}": [2] for i in range(3)},
    }


def test_settings():
    network = encoder()
    for name, x in convolutions(network).items():
        assert not x.use_bias and x.padding == "same", name
        size, _, channels, _ = x.kernel.shape
        expected = math.sqrt(2 / (size * size * channels))
        assert isinstance(x.kernel_initializer, keras.initializers.TruncatedNormal)
        assert x.kernel_initializer.stddev == pytest.approx(expected), name
    norms = [x for x in network.layers if isinstance(x, layers.BatchNormalization)]
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.99, 1e-5)}
    dropouts = {x.name: x.rate for x in network.layers if isinstance(x, layers.Dropout)}
    assert dropouts == {"stack3_block2_dropout": 0.7}


@pytest.mark.parametrize("shortcut", [None, "input", "first"])
def test_values_of_a_unit(shortcut):
    inputs = keras.Input((5, 6, 8))
    settings = {"dilations": (1, 2), "shortcut": shortcut}
    network = keras.Model(inputs, bottleneck(inputs, 2, "unit", **settings))
    randomize_norms(network)

    def norm(x, name):
        layer = network.get_layer(f"unit_{name}_bn")
        scale = np.asarray(layer.gamma) / np.sqrt(np.asarray(layer.moving_variance) + 1e-5)
        x = (x - np.asarray(layer.moving_mean)) * scale + np.asarray(layer.beta)
        return np.maximum(x, 0)

    def convolution(x, name, dilation=1):
        kernel = np.asarray(network.get_layer(f"unit_{name}_conv").kernel)
        edge = dilation * (kernel.shape[0] // 2)
        padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        height, width = x.shape[1:3]
        total = 0.0
        for i, row in enumerate(kernel):
            for j, weights in enumerate(row):
                y, z = i * dilation, j * dilation
                total = total + padded[:, y : y + height, z : z + width] @ weights
        return total

    x = images(2, 5, 6, 8)
    rectified = norm(x, "preact")
    first = norm(convolution(rectified, "1"), "1")
    halves = [convolution(first, f"2_dilation{d}", d) for d in (1, 2)]
    added = convolution(norm(np.concatenate(halves, axis=-1), "2"), "3")
    source = {None: None, "input": rectified, "first": first}[shortcut]
    expected = added + (x if source is None else convolution(source, "0"))
    np.testing.assert_allclose(run(network, x), expected, rtol=1e-4, atol=1e-5)
