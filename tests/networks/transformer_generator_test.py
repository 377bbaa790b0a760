import functools

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging, to_multimodal
from keras_asym.layers import ChannelExchange, ModalityLayerNormalization
from keras_asym.networks import TransformerGenerator
from tests.helpers import LONG_ON_JAX, images

PAIR = {"shade": 3, "edge": 1}


@functools.cache
def small():
    return TransformerGenerator(4, (1, 2, 1, 1, 1), output_channels=2)


def test_sizes_of_stages():
    network = TransformerGenerator(8, (1,) * 5, input_shape=(64, 96, 3))
    for stage in range(5):
        shape = network.get_layer(f"stage{stage + 1}_norm").output.shape
        assert shape == (None, 32 >> stage, 48 >> stage, 8 << stage)
    assert network.get_layer("up4_norm").output.shape == (None, 32, 48, 8)
    assert network.output.shape == (None, 64, 96, 3)


def test_parameters_of_the_released_size():
    """Counted by the formulas of the layers, as nobody published the sum."""
    network = TransformerGenerator()
    widths, reductions = [64, 128, 256, 512, 1024], [16, 8, 4, 2, 1]

    def block(c, reduction):
        attention = 4 * c * c + 4 * c + (reduction > 1) * (reduction**2 * c * c + c + 2 * c)
        return attention + 4 * c + (4 * c * c + 4 * c) + (36 * c + 4 * c) + (4 * c * c + c)

    def stage(index, depth):
        return depth * block(widths[index], reductions[index]) + 2 * widths[index]

    def linear(a, b):
        return a * b + b

    before = [3, *widths]
    total = sum(
        linear(9 * before[i], widths[i]) + 2 * widths[i] + stage(i, depth)
        for i, depth in enumerate((3, 4, 4, 6, 3))
    )
    total += sum(linear(widths[i + 1] // 4, widths[i]) + stage(i, 1) for i in range(4))
    total += linear(64 // 4, 64) + linear(64, 3)
    assert network.count_params() == total


def test_images_depend_on_all_stages():
    x = images(1, 32, 64, 3)
    y = np.array(small()(x))
    assert y.shape == (1, 32, 64, 2) and np.abs(y).max() <= 1
    inner = keras.Model(small().input, small().get_layer("up4_add").output)
    before = np.array(inner(x))
    weight = small().get_layer("stage5_embedding_conv").bias
    weight.assign_add(np.linspace(-1, 1, weight.shape[0]))
    assert np.abs(np.array(inner(x)) - before).max() > 2e-6  # small, as all weights are at first


@LONG_ON_JAX
def test_each_modality_has_norms_of_its_own():
    model = to_multimodal(small(), PAIR, ChannelExchanging(sites=r"stage\d_norm$"))
    assert sum(isinstance(layer, ChannelExchange) for layer in model.layers) == 5
    norms = [x for x in model.layers if isinstance(x, ModalityLayerNormalization)]
    assert len(norms) > 20
    outputs = model({"shade": images(2, 32, 32, 3), "edge": images(2, 32, 32, 1)})
    assert {key: x.shape for key, x in outputs.items()} == dict.fromkeys(PAIR, (2, 32, 32, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depths": (1, 1)}, "`depths` must be 5 numbers"),
        ({"decoder_depths": (0, 1, 1, 1)}, "`decoder_depths` must be 4 numbers"),
        ({"input_shape": (48, 64, 3)}, "multiples of 32"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TransformerGenerator(**arguments)
