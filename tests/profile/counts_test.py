import itertools

import keras
import pytest
from keras import layers

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    PrivateNormalization,
    TokenExchanging,
)
from keras_asym.models import Segmenter
from keras_asym.networks import MixTransformer, RefineNet, SegFormer
from keras_asym.profile.counts import count_macs, count_parameters
from tests.models.tiny import tiny_segmenter
from tests.models.tiny_translator import tiny_translator

# Of the tiny network at 16x24, by hand: 3x3x3 -> 8, 3x3x8 -> 8, 1x1x8 -> 5, at 8x12.
TINY = 8 * 12 * (27 * 8 + 72 * 8 + 8 * 5)


@pytest.mark.parametrize("fusion", [ChannelExchanging(), AsymmetricFusion()])
def test_each_modality_costs_what_the_network_costs_once(fusion):
    model = tiny_segmenter(2, fusion)
    counts = count_macs(model, 16, 24)
    assert (counts.convolution, counts.transposed, counts.dense) == (2 * TINY, 0, 0)
    assert counts.total == 2 * TINY
    assert [count_macs(model.select([name]), 16, 24).total for name in ("rgb", "depth")] == [
        TINY,
        TINY,
    ]


def test_a_projection_of_more_channels_belongs_to_its_modality():
    model = tiny_segmenter(3)
    projection = 16 * 24 * 4 * 3  # 1x1, from 4 channels to 3
    assert count_macs(model, 16, 24).total == 3 * TINY + projection
    assert count_macs(model.select(["normal"]), 16, 24).total == TINY + projection
    assert count_macs(model.select(["rgb"]), 16, 24).total == TINY


def test_resizing_is_told_apart():
    # Across: 24 from 12 for each row; down: 16 from 8. Five classes.
    assert count_macs(tiny_segmenter(1), 16, 24).other == 8 * 24 * 12 * 5 + 16 * 8 * 24 * 5


def test_transposed_convolutions():
    # down: 4x4 kernels, 3 -> 3 -> 6 -> 12 channels; up: 12 -> 6, 6 + 6 -> 3, 3 + 3 -> 3.
    counts = count_macs(tiny_translator(1), 16, 24)
    assert counts.convolution == 16 * (96 * 3 * 3 + 24 * 3 * 6 + 6 * 6 * 12)
    assert counts.transposed == 16 * (6 * 12 * 6 + 24 * 12 * 3 + 96 * 6 * 3)


def test_depthwise_convolutions_and_dense_layers():
    inputs = keras.Input((None, None, 3))
    x = layers.DepthwiseConv2D(5, depth_multiplier=2, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(8, 3, groups=2, padding="same")(x)
    model = Segmenter(keras.Model(inputs, layers.Dense(5)(x)), {"rgb": 3})
    counts = count_macs(model, 4, 6)
    assert counts.convolution == 24 * (25 * 6 + 9 * 3 * 8)
    assert counts.dense == 24 * 8 * 5


def test_products_with_a_part_of_a_weight_and_those_without_one():
    inputs = keras.Input((None, None, 4))
    tokens = layers.Reshape((-1, 4))(inputs)
    x = layers.MultiHeadAttention(2, 3)(tokens, tokens) + tokens
    x = layers.LayerNormalization()(x)
    x = layers.EinsumDense("...c,cd->...d", 4)(x)
    outputs = layers.Reshape((4, 6, 4))(x)
    network = keras.Model(inputs, layers.Dense(5)(outputs))
    attention = 24 * 4 * 6 * 4  # queries, keys, values and their projection: 2 heads of 3
    counts = count_macs(Segmenter(network, {"rgb": 3}), 4, 6)
    resizing = 4 * 6 * (6 + 4) * 5
    assert counts.dense == attention + 24 * (4 * 4 + 4 * 5)
    assert counts.other == 2 * 24 * 24 * 6 + resizing


def test_predictors_of_scores_belong_to_their_modalities():
    network = SegFormer(MixTransformer(width=4, depths=(1, 1, 1, 1)), 5, 8)
    fusions = (PrivateNormalization(), TokenExchanging())
    plain, tokens = (Segmenter(network, {"rgb": 3, "depth": 1}, x) for x in fusions)
    # C -> C -> C / 2 -> C / 4 -> 2 for each token, with as many biases, and a norm's 2 C.
    sizes = {c: (c, c, c // 2, c // 4, 2) for c in (4, 8, 20, 32)}
    products = {c: sum(a * b for a, b in itertools.pairwise(x)) for c, x in sizes.items()}
    values = sum(products.values()) + sum(sum(x) + c for c, x in sizes.items())
    at_32x64 = {4: 8 * 16, 8: 4 * 8, 20: 2 * 4, 32: 1 * 2}
    more = count_macs(tokens, 32, 64).total - count_macs(plain, 32, 64).total
    assert more == 2 * sum(number * products[c] for c, number in at_32x64.items())
    privates = [count_parameters(x)[1] for x in (plain, tokens)]
    assert privates[1] - privates[0] == values - 4 * 8  # the head's norm is shared


def test_published_number_of_macs():
    # torchvision states 1.814 GFLOPS (multiply-accumulates) for ResNet-18 at 224x224; of these
    # 512 * 1000 are the classifier's. A RefineNet has the rest as its encoder.
    network = RefineNet("resnet18", 5, "light", (8, 8, 8, 8))
    model = Segmenter(network, {"rgb": 3})
    encoder = 1_814_073_344 - 512 * 1000
    decoder = sum(
        layer.kernel.shape[0]
        * layer.kernel.shape[1]
        * layer.kernel.shape[2]
        * layer.filters
        * _pixels(layer.name)
        for layer in model.network.layers
        if isinstance(layer, layers.Conv2D) and layer.name.startswith(("refine", "classifier"))
    )
    assert count_macs(model, 224, 224).convolution == encoder + decoder


def _pixels(name):
    stage = 1 if name.startswith("classifier") else int(name.removeprefix("refine")[0])
    return (224 // 2 ** (stage + 1)) ** 2


def test_parameters():
    # 3x3x3x8, 3x3x8x8, 8x5 + 5; two norms of 4 rows of 8 for each modality; the ensemble's weights.
    total, private = count_parameters(tiny_segmenter(2))
    assert private == 2 * 4 * 8
    assert total == 216 + 576 + 45 + 2 * private + 2


def test_a_discriminator_is_not_counted():
    model = tiny_translator(2)
    assert count_parameters(model)[0] == model.generator.count_params()
