import functools

import keras
import numpy as np
import pytest

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    Combined,
    TokenExchanging,
    to_multimodal,
)
from keras_asym.layers import (
    ChannelExchange,
    ModalityLayerNormalization,
    PixelShift,
    SharedNormalization,
    TokenExchange,
    TokenScores,
)
from keras_asym.models import Segmenter
from keras_asym.networks import MixTransformer, SegFormer
from keras_asym.testing import check_strategy
from tests.fusion.examples import bottlenecks, branches
from tests.helpers import EAGER, LONG_ON_JAX, arrays, distance, images, randomize

PAIR = {"rgb": 3, "depth": 1}
DEPTHS = (1, 2, 1, 1)
# Of two modalities with a head width of 256 and 40 classes, as published for B2 and B3.
COUNTS = {"b0": 4_048_794, "b2": 26_018_426, "b3": 45_917_306}
AT_NORMS = r"block\d+_norm[12]$"


@functools.cache
def narrow():
    """A SegFormer that no test changes, with values that no default could be mistaken for."""
    return randomize(SegFormer(MixTransformer("b0", 4, DEPTHS), 5, 8))


def multimodal(fusion, modalities=PAIR, **kwargs):
    return to_multimodal(narrow(), modalities, fusion, **kwargs)


def exchanges(model):
    return [x for x in model.layers if isinstance(x, TokenExchange)]


@pytest.mark.parametrize("modalities", [2, pytest.param(3, marks=pytest.mark.slow)])
@LONG_ON_JAX
def test_strategy_contract(modalities):
    """Random weights give scores on both sides of such a threshold."""
    check_strategy(TokenExchanging(threshold=0.45), narrow(), (modalities,))


@LONG_ON_JAX
def test_the_branches_are_the_network_where_one_modality_is_alone():
    multimodal(TokenExchanging(), check=True)


@pytest.mark.parametrize(
    "variant", [pytest.param(x, marks=pytest.mark.slow if x != "b0" else (), id=x) for x in COUNTS]
)
def test_number_of_parameters(variant):
    with keras.StatelessScope(initialize_variables=False):  # a network without values is quick
        network = SegFormer(variant, 40, 256)
        model = to_multimodal(network, {"rgb": 3, "depth": 3}, TokenExchanging(), ensemble=True)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == COUNTS[variant]


def test_places_in_the_blocks():
    model = multimodal(TokenExchanging())
    names = [
        f"stage{stage}_block{block + 1}"
        for stage, depth in enumerate(DEPTHS, 1)
        for block in range(depth)
    ]
    assert [x.name for x in exchanges(model)] == [f"{x}_attention_proj_exchange" for x in names]
    for name in names:
        features, scores = model.get_layer(f"{name}_attention_proj_exchange").input
        assert features._keras_history.operation.name == f"{name}_attention_proj"
        call = scores._keras_history
        assert call.operation.name == f"token_scores{name[5]}"
        read = call.operation._inbound_nodes[call.node_index].input_tensors[0]
        block_input = model.get_layer(f"{name}_norm1").input
        assert read is block_input  # in front of the norm
        residual = model.get_layer(f"{name}_add1").input
        assert residual[0] is block_input
        dropped = residual[1]._keras_history.operation
        assert dropped.name == f"{name}_drop_path1"
        assert dropped.input is model.get_layer(f"{name}_attention_proj_exchange").output


def test_values_of_a_block():
    """`x + exchange(projection * score)`, with the formula in NumPy."""
    model = randomize(multimodal(TokenExchanging()))
    places = ("stage2_block2_norm1", "stage2_block2_attention_proj", "stage2_block2_add1")
    norm, last, end = (model.get_layer(name) for name in places)
    exchange = model.get_layer("stage2_block2_attention_proj_exchange")
    inner = keras.Model(model.input, [norm.input, last.output, exchange.input[1], end.output])
    pictures = {"rgb": images(2, 40, 56, 3), "depth": images(2, 40, 56, 1)}
    exchange.threshold = float(np.median(arrays(inner(pictures)[2])[0]))
    x, a, s, y = (z.reshape(2, 2, *z.shape[1:]) for z in arrays(inner(pictures)))
    low, scaled = s < exchange.threshold, a * s
    assert 0.4 < low.mean() < 0.6
    np.testing.assert_allclose(y, x + np.where(low, scaled[:, ::-1], scaled), atol=1e-5)


@pytest.mark.parametrize(("predictors", "number"), [("stage", 4), ("block", 5)])
def test_predictors(predictors, number):
    model = multimodal(TokenExchanging(predictors=predictors))
    found = [x for x in model.layers if isinstance(x, TokenScores)]
    assert len(found) == number and len({id(x) for x in found}) == number
    assert len(exchanges(model)) == 5


def test_the_mean_is_that_of_all_tokens():
    """Of 64 to 1 tokens in the stages, which have 1, 2, 1 and 1 blocks."""
    weights = [x.l1 for x in exchanges(multimodal(TokenExchanging(l1=2.0)))]
    shares = np.array([64, 16, 16, 4, 1])
    np.testing.assert_allclose(weights, 2 * shares / shares.sum())
    weights = [x.l1 for x in exchanges(multimodal(TokenExchanging(l1=2.0, l1_reduction="sum")))]
    assert weights == [2.0] * 5


def test_groups_of_tokens_differ_by_block():
    model = multimodal(TokenExchanging(seed=3), {"rgb": 3, "depth": 1, "normals": 3})
    assert [x.seed for x in exchanges(model)] == [3, 4, 5, 6, 7]


def test_one_modality_changes_nothing():
    model = multimodal(TokenExchanging(), {"rgb": 3})
    assert not exchanges(model) and model.count_params() == narrow().count_params()


@pytest.mark.parametrize("shared", [True, False])
def test_batch_norms_are_shared_as_published(shared):
    model = multimodal(TokenExchanging(share_batch_norms=shared))
    assert isinstance(model.get_layer("decoder_bn"), SharedNormalization) == shared
    assert isinstance(model.get_layer("stage4_norm"), ModalityLayerNormalization)


def segmenter(fusion):
    keras.utils.set_random_seed(0)
    model = Segmenter(SegFormer(MixTransformer("b0", 4, DEPTHS), 5, 8), PAIR, fusion)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=EAGER)
    return model


def batch(height=32, width=32):
    x = {"rgb": images(2, height, width, 3), "depth": images(2, height, width, 1)}
    return x, np.random.default_rng(0).integers(0, 5, (2, height, width))


@LONG_ON_JAX
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_penalty_counts_once_and_the_mean_alike_at_any_size(reduction):
    model = segmenter(TokenExchanging(l1=0.25, l1_reduction=reduction))
    for layer in model.network.layers:
        if isinstance(layer, TokenScores):
            layer.kernels[-1].assign(np.zeros(layer.kernels[-1].shape))  # all scores are 0.5
    for size in ((32, 64), (64, 64)):
        x, y = batch(*size)
        outputs = model(x, training=True)
        total = float(np.asarray(model.compute_loss(x, y, outputs)))
        parts = [model.loss["rgb"](y, outputs[key]) for key in ("rgb", "depth", "ensemble")]
        per_stage = [size[0] * size[1] // stride**2 for stride in (4, 8, 16, 32)]
        tokens = np.dot(per_stage, DEPTHS)
        expected = {"sum": 0.25 * 0.5 * 2 * 2 * tokens, "mean": 0.25 * 0.5}[reduction]
        found = total - sum(float(np.asarray(part)) for part in parts)
        assert found == pytest.approx(expected, rel=1e-4)


def test_two_accumulated_gradients_are_those_of_the_whole_batch():
    x, y = {"rgb": images(4, 16, 16, 3), "depth": images(4, 16, 16, 1)}, np.zeros((4, 16, 16), int)
    weights = []
    for count in (1, 2):
        keras.utils.set_random_seed(0)
        model = Segmenter(branches(), PAIR, TokenExchanging(0.5, l1=0.5, sites="proj"))
        weights.append(arrays(model.trainable_variables))
        steps = None if count == 1 else count
        model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps))
        for part in np.split(np.arange(4), count):
            model.train_on_batch({key: z[part] for key, z in x.items()}, y[part])
        weights.append(arrays(model.trainable_variables))
    start, whole, _, halves = weights
    for one, two in zip(whole, halves, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)
    assert max(np.abs(x - y).max() for x, y in zip(start, whole, strict=True)) > 1e-3


@LONG_ON_JAX
def test_training_in_half_precision():
    """Scores and penalty are near those of single precision, and what is measured stays in it."""
    x, y = batch()
    losses = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        model = segmenter(TokenExchanging(threshold=0.5, l1=0.25))
        losses[policy] = [float(model.train_on_batch(x, y)[0]) for _ in range(3)]
    assert losses["mixed_bfloat16"] == pytest.approx(losses["float32"], rel=0.05)
    layer = exchanges(model.network)[0]
    assert layer.compute_dtype == "bfloat16"
    assert keras.backend.standardize_dtype(layer.measured_rate.dtype) == "float32"
    rates = arrays(layer.exchange_rate())[0]
    assert ((rates > 0) & (rates < 1)).all()


FUSIONS = {
    "tokens": TokenExchanging(threshold=0.5),
    "channels": ChannelExchanging(threshold=10, sites=AT_NORMS),
    "both": Combined([TokenExchanging(threshold=0.5), ChannelExchanging(sites=AT_NORMS)]),
    "asymmetric": AsymmetricFusion(),
}


@LONG_ON_JAX
@pytest.mark.parametrize(
    "name", ["both", *(pytest.param(x, marks=pytest.mark.slow) for x in FUSIONS if x != "both")]
)
def test_training_saving_selection_and_presence(name, tmp_path):
    model = segmenter(FUSIONS[name])
    x, y = batch()
    losses = [model.train_on_batch(x, y) for _ in range(3)]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    outputs, again = ({k: np.asarray(v) for k, v in net(x).items()} for net in (model, loaded))
    for key in outputs:
        np.testing.assert_allclose(again[key], outputs[key], atol=1e-5)
    present = np.array([[True, True], [True, False]])
    some = model({**x, "present": present})
    np.testing.assert_allclose(some["rgb"][0], outputs["rgb"][0], atol=1e-4)
    alone = model.select(["rgb"])({"rgb": x["rgb"]})
    np.testing.assert_allclose(some["rgb"][1], alone["rgb"][1], atol=1e-4)
    np.testing.assert_allclose(some["ensemble"][1], alone["rgb"][1], atol=1e-4)
    assert distance(alone["rgb"][1], outputs["rgb"][1]) > 1e-3  # the fusion acts


def test_both_exchanges_and_the_asymmetric_operation_stand_in_the_blocks():
    model = multimodal(FUSIONS["both"])
    assert len(exchanges(model)) == 5
    assert sum(isinstance(x, ChannelExchange) for x in model.layers) == 10
    assert sum(isinstance(x, TokenScores) for x in model.layers) == 4
    shifts = [x.name for x in multimodal(AsymmetricFusion()).layers if isinstance(x, PixelShift)]
    blocks = [f"stage{stage}_block{depth}" for stage, depth in enumerate(DEPTHS, 1)]
    assert shifts == [f"{block}_ffn_depthwise_conv_shift" for block in blocks]


def test_layers_that_hold_their_attention_inside():
    from keras_hub.models import MiTBackbone

    network = MiTBackbone(
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        image_shape=(32, 32, 3),
        hidden_dims=[4, 8],
    )
    for sites in ({}, {"sites": "hierarchical_encoder"}):
        with pytest.raises(ValueError, match=r"`sites` must match .*networks\.MixTransformer and"):
            to_multimodal(network, PAIR, TokenExchanging(**sites))


@pytest.mark.parametrize("sites", ["block0_2_conv$", "logits1"])
def test_sites_outside_of_a_residual_branch(sites):
    with pytest.raises(ValueError, match="must match the last layer of a residual branch"):
        to_multimodal(bottlenecks(), PAIR, TokenExchanging(sites=sites))


def test_any_residual_branch():
    fusion = TokenExchanging(sites="block1_3_bn$", share_batch_norms=False)
    model = to_multimodal(bottlenecks(), PAIR, fusion)
    scores = exchanges(model)[0].input[1]._keras_history.operation
    assert scores.input is model.get_layer("stack0_block1_1_conv").input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": -1}, "`threshold` must not be negative"),
        ({"l1": -1}, "`l1` must not be negative"),
        ({"l1_reduction": "max"}, "`l1_reduction` must be one of"),
        ({"predictors": "all"}, '`predictors` must be "stage" or "block"'),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TokenExchanging(**settings)
