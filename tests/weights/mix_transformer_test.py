import functools
import logging
import re

import keras
import numpy as np
import pytest

from keras_asym.fusion import ChannelExchanging, TokenExchanging, to_multimodal
from keras_asym.models import Segmenter
from keras_asym.networks import DeepLabV3Plus, MixTransformer, SegFormer
from keras_asym.weights import (
    load_mix_transformer_checkpoint,
    load_mix_transformer_state_dict,
    load_segformer_checkpoint,
    load_segformer_state_dict,
    mix_transformer,
)
from tests.helpers import arrays, distance, images, randomize, run
from tests.weights.torch_segformer import numpy_state_dict, outputs_of, torch_segformer

DEPTHS = (1, 2, 1, 1)
CLASSES = 5
WIDTHS = (4, 8, 20, 32)


def encoder():
    return MixTransformer("b0", 4, DEPTHS)


def segformer():
    return SegFormer(encoder(), CLASSES, 8)


@functools.cache
def shared_encoder():
    """One for the tests that load anew."""
    return encoder()


@functools.cache
def shared_segformer():
    """One for the tests that load anew, or must leave it unchanged."""
    return segformer()


@functools.cache
def published(classes=None):
    """State dict of the PyTorch network, its images and their results."""
    torch, module = torch_segformer(4, DEPTHS, classes)
    x = images(2, 70, 45, 3)
    return numpy_state_dict(module), x, outputs_of(torch, module, x)


def assert_equal(model, classes=None):
    _, x, expected = published(classes)
    found = arrays(run(model, x))
    for ours, theirs in zip(found, expected, strict=True):
        assert distance(ours, theirs) < 2e-6


def renamed(state, rules):
    for pattern, replacement in rules:
        state = {re.sub(pattern, replacement, name): x for name, x in state.items()}
    return state


def hugging_face(state):
    """The names of the table in the papers' notes, made from those of the authors' program."""
    state = {name: x for name, x in state.items() if "conv_seg" not in name}
    result = {}
    for name, x in state.items():
        if ".attn.kv." in name:
            for part, rows in zip(("k", "v"), np.split(x, 2), strict=True):
                result[name.replace(".kv.", f".{part}.")] = rows
        else:
            result[name] = x
    return renamed(
        result,
        [
            (r"^(backbone\.)?(?=patch|block|norm)", "segformer.encoder."),
            (r"(patch_embed)(\d)", lambda m: f"patch_embeddings.{int(m[2]) - 1}"),
            (r"(patch_embeddings\.\d)\.norm", r"\1.layer_norm"),
            (r"(encoder\.)norm(\d)", lambda m: f"{m[1]}layer_norm.{int(m[2]) - 1}"),
            (r"(block)(\d)", lambda m: f"block.{int(m[2]) - 1}"),
            (r"\.norm([12])\.", r".layer_norm_\1."),
            (r"attn\.q\.", "attention.self.query."),
            (r"attn\.k\.", "attention.self.key."),
            (r"attn\.v\.", "attention.self.value."),
            (r"attn\.sr\.", "attention.self.sr."),
            (r"attn\.norm\.", "attention.self.layer_norm."),
            (r"attn\.proj\.", "attention.output.dense."),
            (r"mlp\.fc", "mlp.dense"),
            (r"(linear_c)(\d)", lambda m: f"linear_c.{int(m[2]) - 1}"),
            (r"linear_fuse\.conv", "linear_fuse"),
            (r"linear_fuse\.bn", "batch_norm"),
            (r"linear_pred", "classifier"),
        ],
    )


def transformers_5(state):
    """The names that transformers gives its modules since version 5; files keep the older ones."""
    return renamed(
        hugging_face(state),
        [
            (r"encoder\.(patch_embeddings)\.(\d)", r"stages.\2.\1"),
            (r"encoder\.block\.(\d)", r"stages.\1.blocks"),
            (r"encoder\.(layer_norm)\.(\d)", r"stages.\2.\1"),
            (r"attention\.self\.query", "attention.q_proj"),
            (r"attention\.self\.key", "attention.k_proj"),
            (r"attention\.self\.value", "attention.v_proj"),
            (r"attention\.self\.sr", "attention.sequence_reduction.sequence_reduction"),
            (r"attention\.self\.layer_norm", "attention.sequence_reduction.layer_norm"),
            (r"attention\.output\.dense", "attention.o_proj"),
            (r"mlp\.dense", "mlp.fc"),
            (r"layer_norm_1", "layernorm_before"),
            (r"layer_norm_2", "layernorm_after"),
            (r"linear_c\.", "linear_projections."),
        ],
    )


def mmsegmentation(state):
    result = {}
    for name, x in state.items():
        if ".attn.kv." in name:
            continue
        if ".attn.q." in name:
            kind = name.rpartition(".")[2]
            stacked = np.concatenate([x, state[name.replace(".q.", ".kv.")]])
            result[name.replace(f".q.{kind}", f".attn.in_proj_{kind}")] = stacked
        else:
            linear = re.search(r"mlp\.fc\d\.weight", name)
            result[name] = x[:, :, None, None] if linear else x
    return renamed(
        result,
        [
            (r"(patch_embed)(\d)\.proj", lambda m: f"layers.{int(m[2]) - 1}.0.projection"),
            (r"(patch_embed)(\d)\.norm", lambda m: f"layers.{int(m[2]) - 1}.0.norm"),
            (r"(block)(\d)", lambda m: f"layers.{int(m[2]) - 1}.1"),
            (r"^(norm)(\d)", lambda m: f"layers.{int(m[2]) - 1}.2"),
            (r"attn\.proj", "attn.attn.out_proj"),
            (r"mlp\.fc1", "ffn.layers.0"),
            (r"mlp\.dwconv\.dwconv", "ffn.layers.1"),
            (r"mlp\.fc2", "ffn.layers.4"),
        ],
    )


def token_fusion(state, modalities=2):
    """Norms of modality m are the published ones plus m."""
    result = {"alpha": np.linspace(0.2, 0.8, modalities).astype("float32")}
    for name, x in state.items():
        if "conv_seg" in name:
            continue
        prefix, _, rest = name.partition(".")
        stem, _, kind = rest.rpartition(".")
        prefix = {"backbone": "encoder", "decode_head": "decoder"}[prefix]
        if prefix == "encoder" and re.search(r"norm\d?$", stem):
            for m in range(modalities):
                result[f"{prefix}.{stem}.ln_{m}.{kind}"] = x + m
        elif prefix == "encoder" and "dwconv" not in stem:
            result[f"{prefix}.{stem}.module.{kind}"] = x
        else:
            result[f"{prefix}.{stem}.{kind}"] = x
    return result


class TestEncoder:
    def test_computes_what_pytorch_computes(self, tmp_path):
        torch, module = torch_segformer(4, DEPTHS)
        torch.save(module.state_dict(), tmp_path / "mit.pth")
        network = encoder()
        load_mix_transformer_checkpoint(network, tmp_path / "mit.pth")
        assert_equal(network)

    @pytest.mark.parametrize("layout", [hugging_face, transformers_5, mmsegmentation])
    def test_other_layouts(self, layout):
        network = randomize(shared_encoder())
        state = layout(published()[0])
        assert not set(state) & {x for x in published()[0] if "block" in x}
        load_mix_transformer_state_dict(network, state)
        assert_equal(network)

    @pytest.mark.parametrize("prefix", ["module.", "backbone.", "encoder."])
    def test_prefixes_and_classifiers(self, prefix):
        network = randomize(shared_encoder())
        state = {prefix + name: x for name, x in published()[0].items()}
        state |= {"head.weight": np.zeros((10, 32)), "head.bias": np.zeros(10)}
        state |= {"decode_head.conv_seg.bias": np.zeros(3), "classifier.bias": np.zeros(3)}
        load_mix_transformer_state_dict(network, state)
        assert_equal(network)

    def test_norms_of_every_modality(self):
        model = to_multimodal(encoder(), {"rgb": 3, "depth": 3})
        load_mix_transformer_state_dict(model, published()[0])
        _, x, expected = published()
        for branch in run(model, {"rgb": x, "depth": x}).values():
            for ours, theirs in zip(arrays(branch), expected, strict=True):
                assert distance(ours, theirs) < 2e-6

    def test_norms_that_exchange_channels(self):
        fusion = ChannelExchanging(sites=r"block\d+_norm1$")
        model = to_multimodal(encoder(), {"rgb": 3, "depth": 3}, fusion)
        load_mix_transformer_state_dict(model, published()[0])
        exchange = model.get_layer("stage1_block1_norm1_exchange")
        expected = published()[0]["block1.0.norm1.weight"]
        np.testing.assert_array_equal(exchange.layer.gamma, [expected, expected])

    def test_another_head_is_left_alone(self):
        network = DeepLabV3Plus(encoder(), CLASSES, filters=8)
        before = {w.path: np.array(w) for w in network.weights}
        load_mix_transformer_state_dict(network, published()[0])
        changed = {w.path for w in network.weights if (np.array(w) != before[w.path]).any()}
        assert changed == {w.path for w in network.weights if w.path.startswith("stage")}


def test_a_block_is_that_of_pytorch():
    torch, module = torch_segformer(4, DEPTHS)
    network = encoder()
    load_mix_transformer_state_dict(network, numpy_state_dict(module))
    x = images(2, 9, 11, 8)
    block = keras.Function(
        network.get_layer("stage2_embedding_norm").output,
        network.get_layer("stage2_block1_add2").output,
    )
    with torch.no_grad():
        tokens = torch.from_numpy(x.reshape(2, 99, 8))
        expected = module.block2[0](tokens, 9, 11).numpy().reshape(x.shape)
    np.testing.assert_allclose(block(x), expected, atol=1e-6, rtol=1e-6)


class TestWholeNetwork:
    @pytest.mark.parametrize("layout", [dict, hugging_face, transformers_5])
    def test_computes_what_pytorch_computes(self, layout):
        network = randomize(shared_segformer())
        load_segformer_state_dict(network, layout(published(CLASSES)[0]))
        assert_equal(network, CLASSES)

    def test_from_a_file(self, tmp_path):
        torch, module = torch_segformer(4, DEPTHS, CLASSES)
        torch.save({"state_dict": module.state_dict(), "meta": {}}, tmp_path / "segformer.pth")
        network = segformer()
        load_segformer_checkpoint(network, tmp_path / "segformer.pth")
        assert_equal(network, CLASSES)

    def test_a_segmenter_keeps_its_ensemble(self):
        model = Segmenter(segformer(), {"rgb": 3, "depth": 3})
        load_segformer_state_dict(model, published(CLASSES)[0])
        _, x, (expected,) = published(CLASSES)
        found = run(model.network, {"rgb": x, "depth": x})
        for key in ("rgb", "depth", "ensemble"):
            assert distance(found[key], expected) < 2e-6

    def test_private_norms_of_token_fusion(self):
        model = Segmenter(segformer(), {"rgb": 3, "depth": 3})
        state = published(CLASSES)[0]
        load_segformer_state_dict(model, token_fusion(state))
        for layer, name in {
            "stage1_embedding_norm": "patch_embed1.norm",
            "stage2_block2_norm2": "block2.1.norm2",
            "stage3_block1_attention_norm": "block3.0.attn.norm",
            "stage4_norm": "norm4",
        }.items():
            gamma = np.asarray(model.network.get_layer(layer).gamma)
            published_gamma = state[f"backbone.{name}.weight"]
            np.testing.assert_array_equal(gamma, [published_gamma, published_gamma + 1])
        alpha = [np.asarray(w) for w in model.weights if w.name == "alpha"]
        np.testing.assert_allclose(alpha, [[0.2, 0.8]], rtol=1e-6)
        kernel = np.asarray(model.network.get_layer("stage2_block2_attention_proj").kernel)
        np.testing.assert_array_equal(kernel.T, state["backbone.block2.1.attn.proj.weight"])
        x = published(CLASSES)[1]
        plain = segformer()
        load_segformer_state_dict(plain, state)
        found = run(model.network, {"rgb": x, "depth": x})["rgb"]
        assert distance(found, run(plain, x)) < 2e-6


def with_score_predictors(state, modalities=2):
    """Each stage's and modality's: norm, and linear layers C -> C -> C / 2 -> C / 4 -> 2."""
    state = dict(state)
    rng = np.random.default_rng(0)
    for stage, channels in enumerate(WIDTHS):
        sizes = (channels, channels, channels // 2, channels // 4, 2)
        for m in range(modalities):
            prefix = f"encoder.score_predictor.{stage}.score_nets.{m}"
            shapes = {"0.weight": (channels,), "0.bias": (channels,)}
            for index in range(4):
                place = 2 * index + 1
                shapes[f"{place}.weight"] = sizes[index + 1], sizes[index]
                shapes[f"{place}.bias"] = (sizes[index + 1],)
            for name, shape in shapes.items():
                state[f"{prefix}.{name}"] = rng.standard_normal(shape).astype("float32")
    return state


class TestTokenExchanging:
    def test_every_weight(self):
        network = SegFormer(encoder(), CLASSES, 8)
        model = Segmenter(network, {"rgb": 3, "depth": 3}, TokenExchanging())
        state = with_score_predictors(token_fusion(published(CLASSES)[0]))
        before = [np.array(w) for w in model.weights]
        load_segformer_state_dict(model, state)
        pairs = zip(model.weights, before, strict=True)
        left = [w.path for w, old in pairs if (np.array(w) == old).all()]
        assert all(path.endswith("exchange/measured_rate") for path in left)  # of the training
        scores = model.network.get_layer("token_scores3")
        prefix = "encoder.score_predictor.2.score_nets"
        for m in (0, 1):
            kernel = state[f"{prefix}.{m}.5.weight"]
            np.testing.assert_array_equal(scores.kernels[2][m], kernel.T)
            np.testing.assert_array_equal(scores.biases[3][m], state[f"{prefix}.{m}.7.bias"])
            np.testing.assert_array_equal(scores.norm.beta[m], state[f"{prefix}.{m}.0.bias"])

    def test_predictors_are_unexpected_elsewhere(self):
        state = with_score_predictors(published(CLASSES)[0], 1)
        with pytest.raises(ValueError, match=r"unexpected: encoder.score_predictor.0.score_nets.0"):
            load_segformer_state_dict(shared_segformer(), state)


def without(*names):
    return lambda state: {name: x for name, x in state.items() if name not in names}


def with_entry(name, value):
    return lambda state: {**state, name: value}


NAN = np.full((4, 4), np.nan, "float32")
Q = "backbone.block1.0.attn.q.weight"
WRONG = {
    "missing": (without(Q), r"missing: stage1_block1_attention_query/kernel \(4, 4\)"),
    "of_the_head": (
        without("decode_head.linear_c3.proj.bias"),
        r"missing: decoder_stage3_proj/bias \(8,\)",
    ),
    "unexpected": (
        with_entry("backbone.block1.7.attn.q.weight", np.zeros((4, 4))),
        r"unexpected: backbone.block1.7.attn.q.weight \(4, 4\)",
    ),
    "pos_embed": (with_entry("backbone.pos_embed1", np.zeros((1, 4))), "unexpected: .*pos_embed1"),
    "shape": (
        with_entry("backbone.norm2.weight", np.zeros(9, "float32")),
        r"wrong shape: backbone.norm2.weight \(9,\) for stage2_norm/gamma \(8,\)",
    ),
    "not_transposed": (
        with_entry("backbone.block1.0.mlp.fc1.weight", np.zeros((4, 16), "float32")),
        r"wrong shape: backbone.block1.0.mlp.fc1.weight",
    ),
    "nan": (with_entry(Q, NAN), f"not usable: {Q} has NaN"),
    "text": (with_entry(Q, "weights"), f"{Q}"),
    "twice": (with_entry(Q.removeprefix("backbone."), np.zeros((4, 4), "float32")), "twice: "),
    "second_modality": (
        with_entry("backbone.norm1.ln_1.weight", np.zeros(4, "float32")),
        r"unexpected: backbone.norm1.ln_1.weight \(4,\), as the model's number of modalities is 1",
    ),
    "not_a_number": (
        with_entry("backbone.norm1.ln_x.weight", np.zeros(4, "float32")),
        "unexpected: backbone.norm1.ln_x.weight",
    ),
    "classifier": (
        with_entry("decode_head.linear_pred.bias", np.zeros(6, "float32")),
        r"wrong shape: decode_head.linear_pred.bias \(6,\) for classifier/bias \(5,\)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_listed_and_changes_nothing(case):
    change, message = WRONG[case]
    model = shared_segformer()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        load_segformer_state_dict(model, change(published(CLASSES)[0]))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("part", ["key", "value"])
def test_half_of_hugging_faces_keys_and_values(part):
    state = hugging_face(published(CLASSES)[0])
    lost = f"segformer.encoder.block.1.0.attention.self.{part}.weight"
    assert lost in state
    del state[lost]
    with pytest.raises(ValueError, match="missing: stage2_block1_attention_key_value/kernel"):
        load_segformer_state_dict(shared_segformer(), state)


def test_the_encoders_loader_needs_the_whole_encoder():
    with pytest.raises(ValueError, match=r"\(2 problems.*\n.*missing: stage4_norm"):
        load_mix_transformer_state_dict(
            shared_segformer(), without("norm4.weight", "norm4.bias")(published()[0])
        )


def test_the_licence_is_said_once(caplog):
    mix_transformer._say_licence.cache_clear()
    network = encoder()
    with caplog.at_level(logging.WARNING, "keras_asym"):
        load_mix_transformer_state_dict(network, published()[0])
        load_mix_transformer_state_dict(network, published()[0])
    assert [x.message for x in caplog.records if "non-commercial" in x.message] == [
        mix_transformer.LICENCE
    ]
