import functools
import math
import re

import keras
import numpy as np
import pytest

from keras_asym.networks import (
    DeepLabV3,
    DeepLabV3Plus,
    MixTransformer,
    PSPNet,
    RefineNet,
    backbone,
)
from keras_asym.networks.mix_transformer import transformer_block
from tests.helpers import arrays, images, run

# Variant -> parameters, and those of its norms.
COUNTS = {
    "b0": (3_319_392, 7_168),
    "b1": (13_151_424, 14_336),
    "b2": (24_196_288, 25_984),
    "b3": (44_072_128, 49_024),
    "b4": (60_842_688, 69_376),
    "b5": (81_443_008, 92_800),
}
OF_STAGES = {
    "b0": (164_096, 255_296, 930_080, 1_969_920),
    "b2": (954_368, 1_938_048, 10_308_160, 10_995_712),
    "b5": (954_368, 2_869_888, 66_623_040, 10_995_712),
}
LARGE = ("b3", "b4", "b5")


@functools.cache
def shapes(variant, **kwargs):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return MixTransformer(variant, **kwargs)


@functools.cache
def narrow():
    """One of each block for the tests that leave it as it is."""
    keras.utils.set_random_seed(0)
    return MixTransformer("b0", 4, (1, 1, 1, 1))


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@pytest.mark.parametrize(
    "variant", [pytest.param(x, marks=pytest.mark.slow if x in LARGE else ()) for x in COUNTS]
)
def test_number_of_parameters(variant):
    network = shapes(variant)
    norms = [x for x in network.layers if isinstance(x, keras.layers.LayerNormalization)]
    of_norms = sum(count(x.weights) for x in norms)
    assert (count(network.trainable_weights), of_norms) == COUNTS[variant]
    for stage, expected in enumerate(OF_STAGES.get(variant, ()), 1):
        inside = [w for w in network.weights if w.path.startswith(f"stage{stage}_")]
        assert count(inside) == expected
    assert network.name == f"mit_{variant}"


@pytest.mark.parametrize("size", [(65, 97), (64, 40), (33, 29)])
def test_features_at_strides_4_to_32(size):
    fixed, free = shapes("b0", input_shape=(*size, 3)), shapes("b1", input_shape=(None, None, 4))
    expected = zip((4, 8, 16, 32), (32, 64, 160, 256), strict=True)
    for output, (stride, width) in zip(fixed.outputs, expected, strict=True):
        assert output.shape == (None, -(-size[0] // stride), -(-size[1] // stride), width)
    assert [x.shape for x in free.outputs] == [(None, None, None, w) for w in (64, 128, 320, 512)]


@pytest.mark.parametrize("size", [(65, 50), (29, 33)])
def test_images_of_any_size(size):
    outputs = arrays(run(narrow(), images(2, *size, 3)))
    assert [x.shape[1:3] for x in outputs] == [
        (-(-size[0] // stride), -(-size[1] // stride)) for stride in (4, 8, 16, 32)
    ]
    assert all(np.isfinite(x).all() and x.std() > 0 for x in outputs)


def test_names_of_the_layers():
    of_block = (
        r"norm[12]|attention(_query|_reduction_conv|_norm|_key_value|_proj)?|drop_path[12]|add[12]|"
        r"ffn_(expand|depthwise_conv|gelu|proj)"
    )
    pattern = rf"stage[1-4]_(embedding_(pad|conv|norm)|norm|block\d+_({of_block}))"
    names = [x.name for x in shapes("b2").layers[1:]]
    assert not [name for name in names if not re.fullmatch(pattern, name)]
    assert sum(name.endswith("attention_proj") for name in names) == 3 + 4 + 6 + 3
    assert not [name for name in names if re.match(r"stage4_.*attention_(norm|red)", name)]
    assert [x._keras_history.operation.name for x in shapes("b2").outputs] == [
        f"stage{stage}_norm" for stage in (1, 2, 3, 4)
    ]


def test_settings_of_the_published_program():
    network = shapes("b2")
    epsilons = {
        x.name: x.epsilon for x in network.layers if isinstance(x, keras.layers.LayerNormalization)
    }
    small = {name for name, epsilon in epsilons.items() if epsilon == 1e-6}
    assert set(epsilons.values()) == {1e-6, 1e-5}
    assert small == {x for x in epsilons if re.fullmatch(r"stage\d_(block\d_norm[12]|norm)", x)}
    heads = [network.get_layer(f"stage{s}_block1_attention").num_heads for s in (1, 2, 3, 4)]
    assert heads == [1, 2, 5, 8]
    reductions = [network.get_layer(f"stage{s}_block3_attention_reduction_conv") for s in (1, 2, 3)]
    for layer, size in zip(reductions, (8, 4, 2), strict=True):
        assert layer.kernel_size == layer.strides == (size, size)
        assert layer.padding == "valid"
    biased = [x for x in network.layers if hasattr(x, "use_bias")]
    # Of each block q, kv, proj and three of the ffn; a reduction in all but the last three.
    assert len(biased) == 4 + 16 * 6 + 13 and all(x.use_bias for x in biased)


def test_drop_path_grows_over_all_blocks():
    drops = [x for x in shapes("b2").layers if isinstance(x, keras.layers.Dropout)]
    rates = [x.rate for x in drops]
    np.testing.assert_allclose(rates[::2], np.arange(16) * 0.1 / 15)
    assert rates[::2] == rates[1::2]
    assert {x.noise_shape for x in drops} == {(None, 1, 1, 1)}


@pytest.mark.parametrize(
    ("epsilons", "expected"),
    [
        (1e-5, (1e-5, 1e-5, 1e-5, 1e-5)),
        ({"stage": 1e-5}, (1e-5, 1e-6, 1e-5, 1e-5)),
        ({"block": 2e-6, "embedding": 3e-6, "reduction": 4e-6}, (3e-6, 2e-6, 4e-6, 1e-6)),
    ],
)
def test_epsilons(epsilons, expected):
    with keras.StatelessScope(initialize_variables=False):
        network = MixTransformer("b0", 4, (1, 1, 1, 1), epsilons=epsilons)
    names = ("embedding_norm", "block1_norm1", "block1_attention_norm", "norm")
    found = [network.get_layer(f"stage1_{name}").epsilon for name in names]
    assert tuple(found) == expected


def test_width_and_depths():
    network = shapes("b0", width=8, depths=(1, 2, 1, 3))
    assert [x.shape[-1] for x in network.outputs] == [8, 16, 40, 64]
    names = {x.name for x in network.layers}
    assert {"stage2_block2_add2", "stage4_block3_add2"} <= names
    assert "stage1_block2_add2" not in names and "stage4_block4_add2" not in names
    assert network.get_layer("stage4_block1_attention").num_heads == 8


def test_initial_weights():
    """Normal with 0.02, and sqrt(2 / (size^2 * outputs / groups)) for convolutions."""
    keras.utils.set_random_seed(0)
    network = MixTransformer("b0", 16, (1, 1, 1, 1))
    expected = {
        "stage3_block1_attention_query": 0.02,
        "stage3_block1_ffn_expand": 0.02,
        "stage1_embedding_conv": math.sqrt(2 / (49 * 16)),
        "stage2_embedding_conv": math.sqrt(2 / (9 * 32)),
        "stage1_block1_attention_reduction_conv": math.sqrt(2 / (64 * 16)),
        "stage3_block1_ffn_depthwise_conv": math.sqrt(2 / 9),
    }
    for name, deviation in expected.items():
        kernel = np.asarray(network.get_layer(name).kernel)
        assert kernel.std() == pytest.approx(deviation, rel=0.05)
        assert not np.asarray(network.get_layer(name).bias).any()


def test_patches_are_padded_on_both_sides():
    """A convolution that reads the pixel in its centre gives every fourth pixel, from the first."""
    network = MixTransformer("b0", 4, (1, 1, 1, 1), input_shape=(None, None, 1))
    layer = network.get_layer("stage1_embedding_conv")
    kernel = np.zeros(layer.kernel.shape, "float32")
    kernel[3, 3] = 1
    layer.kernel.assign(kernel)
    x = images(1, 32, 35, 1)
    y = keras.Model(network.input, layer.output)(x)
    np.testing.assert_allclose(y[..., :1], x[:, ::4, ::4], atol=1e-6)
    second = network.get_layer("stage2_embedding_conv")
    assert network.get_layer("stage2_embedding_pad").padding == ((1, 1), (1, 1))
    assert (second.kernel_size, second.strides, second.padding) == ((3, 3), (2, 2), "valid")


def test_the_reduction_drops_what_does_not_fill_a_square():
    """Of 9 x 10 tokens the means of the first 8 x 8 are left."""
    network = MixTransformer("b0", 4, (1, 1, 1, 1))
    layer = network.get_layer("stage1_block1_attention_reduction_conv")
    layer.kernel.assign(np.broadcast_to(np.eye(4) / 64, (8, 8, 4, 4)))
    probe = keras.Model(network.input, [layer.input, layer.output])
    tokens, reduced = arrays(probe(images(1, 36, 40, 3)))
    assert tokens.shape[1:3] == (9, 10) and reduced.shape[1:3] == (1, 1)
    np.testing.assert_allclose(reduced[0, 0, 0], tokens[0, :8, :8].mean((0, 1)), atol=1e-6)


def test_gelu_is_exact_or_by_tanh(tmp_path):
    layer = narrow().get_layer("stage1_block1_ffn_gelu")
    x = np.linspace(-4, 4, 81, dtype="float32")
    expected = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x]
    np.testing.assert_allclose(layer(x), expected, atol=2e-6)
    network = MixTransformer("b0", 4, (1, 1, 1, 1), approximate_gelu=True)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    expected = x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    for model in (network, loaded):
        layer = model.get_layer("stage4_block1_ffn_gelu")
        np.testing.assert_allclose(layer(x), expected, atol=2e-6)


def test_a_block_reads_its_layers_in_order():
    """x + attention(norm(x)), then x + ffn(norm(x)), with the block's own layers."""
    inputs = keras.Input((6, 4, 8))
    epsilons = {"block": 1e-6, "reduction": 1e-5}
    block = keras.Model(inputs, transformer_block(inputs, 2, 2, 0.0, epsilons, "block"))
    for index, w in enumerate(block.weights):
        w.assign(images(*w.shape, seed=index) / 2)

    def apply(name, x):
        return block.get_layer(f"block_{name}")(x)

    x = images(2, 6, 4, 8)
    y = apply("norm1", x)
    keys_values = apply(
        "attention_key_value", apply("attention_norm", apply("attention_reduction_conv", y))
    )
    y = apply("attention", [apply("attention_query", y), keys_values])
    x = x + np.asarray(apply("attention_proj", y))
    y = apply("ffn_depthwise_conv", apply("ffn_expand", apply("norm2", x)))
    expected = x + np.asarray(apply("ffn_proj", apply("ffn_gelu", y)))
    y = np.asarray(block(images(2, 6, 4, 8)))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_drop_path_drops_an_examples_whole_residual():
    inputs = keras.Input((4, 4, 4))
    epsilons = {"block": 1e-6, "reduction": 1e-5}
    outputs = transformer_block(inputs, 1, 1, 0.5, epsilons, "block")
    block = keras.Model(inputs, outputs)
    probe = keras.Model(
        inputs, [block.get_layer(f"block_{x}").output for x in ("attention_proj", "drop_path1")]
    )
    x = images(32, 4, 4, 4)
    before, after = arrays(probe(x, training=True))
    dropped = [not example.any() for example in after]
    assert 4 < sum(dropped) < 28
    kept = ~np.array(dropped)
    np.testing.assert_allclose(after[kept], 2 * before[kept], rtol=1e-6)
    before, after = arrays(probe(x, training=False))
    np.testing.assert_array_equal(before, after)
    states = [v for v in block.variables if v.name.endswith("seed_generator_state")]
    assert len(states) == 2  # which a run of the training loop saves with the weights


def test_saved_and_loaded(tmp_path):
    network = narrow()
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    x = images(1, 33, 40, 3)
    for value, expected in zip(run(loaded, x), run(network, x), strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(
    ("make", "stride"), [(DeepLabV3, 32), (DeepLabV3Plus, 4), (PSPNet, 32), (RefineNet, 4)]
)
def test_other_heads_take_it(make, stride):
    with keras.StatelessScope(initialize_variables=False):
        network = make("mit_b0", 5, backbone_width=4, input_shape=(64, 96, 3))
    assert network.output.shape == (None, 64 // stride, 96 // stride, 5)
    assert network.name.endswith("_mit_b0")


def test_by_its_name():
    with keras.StatelessScope(initialize_variables=False):
        network = backbone("mit_b3", width=4)
    assert network.name == "mit_b3" and network.outputs[0].shape[-1] == 4
    with pytest.raises(ValueError, match=r"`output_stride` must be 32 for Mix.*output_stride=16"):
        backbone("mit_b0", output_stride=16)
    with pytest.raises(ValueError, match="`output_stride` must be 32 for Mix"):
        DeepLabV3("mit_b0", output_stride=8)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"variant": "b6"}, r"`variant` must be one of \['b0', .*variant='b6'"),
        ({"depths": (1, 1)}, r"`depths` must be four numbers.*depths=\(1, 1\)"),
        ({"depths": (1, 0, 1, 1)}, "`depths` must be four numbers"),
        ({"input_shape": (28, 64, 3)}, r"at least 29 pixels.*\(28, 64, 3\)"),
        ({"epsilons": {"sr": 1e-5}}, r"`epsilons` must be a number or have keys of \['embedding'"),
        ({"drop_path": 1.5}, "rate"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        MixTransformer(**kwargs)
