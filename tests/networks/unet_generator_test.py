import itertools

import keras
import numpy as np
import pytest

from keras_asym.networks import UNetGenerator
from tests.helpers import images


def test_parameters_are_those_of_the_published_generator():
    # 4x4 kernels with bias; gamma and beta for blocks 2..7 and the first seven of the decoder.
    down = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    up.append((128, 3))
    convolutions = sum(16 * a * b + b for a, b in [*itertools.pairwise(down), *up])
    norms = 2 * (sum(down[2:8]) + sum(b for _, b in up[:7]))
    assert UNetGenerator().count_params() == convolutions + norms


@pytest.mark.parametrize(("depth", "size"), [(2, (8, 12)), (3, (16, 8)), (5, (32, 64))])
def test_any_multiple_of_the_stride(depth, size):
    network = UNetGenerator(filters=2, depth=depth, output_channels=1)
    y = np.array(network(images(2, *size, 3)))
    assert y.shape == (2, *size, 1)
    assert np.abs(y).max() <= 1
    assert network.output.shape == (None, None, None, 1)


def test_a_block_is_the_sum_that_it_says():
    # One encoder block's value by the formula: 4x4 window, stride 2, a border of one zero.
    network = UNetGenerator(filters=2, depth=2, input_shape=(8, 8, 3))
    block = keras.Model(network.input, network.get_layer("down1_conv").output)
    x = images(1, 8, 8, 3)
    kernel, bias = network.get_layer("down1_conv").get_weights()
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = np.einsum("hwc,hwcf->f", padded[0, 2:6, 4:8], kernel) + bias
    np.testing.assert_allclose(np.array(block(x))[0, 1, 2], expected, atol=1e-6)


def test_norms_and_dropouts_stand_where_published():
    names = [layer.name for layer in UNetGenerator(filters=2).layers]
    down = [name for name in names if name.startswith("down") and name.endswith("_norm")]
    up = [name for name in names if name.startswith("up") and name.endswith("_norm")]
    assert down == [f"down{block}_norm" for block in range(2, 8)]
    assert up == [f"up{block}_norm" for block in range(1, 8)]
    dropouts = [name for name in names if name.endswith("_dropout")]
    assert dropouts == ["up1_dropout", "up2_dropout", "up3_dropout"]
    assert "down1_leaky_relu" not in names


def test_dropout_is_the_only_noise():
    x = images(1, 16, 16, 3)
    noisy, calm = (UNetGenerator(4, 3, dropout_at_test=value) for value in (True, False))
    assert (np.array(noisy(x)) != np.array(noisy(x))).any()
    np.testing.assert_array_equal(calm(x), calm(x))
    assert (np.array(calm(x, training=True)) != np.array(calm(x, training=True))).any()
    silent = UNetGenerator(4, 3, dropout=0.0)
    np.testing.assert_array_equal(silent(x, training=True), silent(x, training=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 1}, "`depth` must be at least 2"),
        ({"depth": 4, "input_shape": (40, 64, 3)}, "multiples of 2\\*\\*depth = 16"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNetGenerator(**arguments)
