"""How four programs name the parameters of a Mix Transformer and of SegFormer's head.

The names are those of the authors' program, of Hugging Face's files, of Hugging Face's modules
since transformers 5 and of mmsegmentation, in this order; TokenFusion's are the first ones with
`.module` behind shared layers and `.ln_0`, `.ln_1` behind the norms of each modality, and has score
predictors beside.
"""

import re

import numpy as np

from keras_asym.weights.entries import to_array
from keras_asym.weights.names import NORM_WEIGHTS, Place

# Stages are numbered from 1 as {s} or from 0 as {i}, blocks from 0 as {b}.
_OF_STAGE = {
    "embedding_conv": (
        "patch_embed{s}.proj",
        "patch_embeddings.{i}.proj",
        "stages.{i}.patch_embeddings.proj",
        "layers.{i}.0.projection",
    ),
    "embedding_norm": (
        "patch_embed{s}.norm",
        "patch_embeddings.{i}.layer_norm",
        "stages.{i}.patch_embeddings.layer_norm",
        "layers.{i}.0.norm",
    ),
    "norm": ("norm{s}", "layer_norm.{i}", "stages.{i}.layer_norm", "layers.{i}.2"),
}
_BLOCKS = ("block{s}.{b}.", "block.{i}.{b}.", "stages.{i}.blocks.{b}.", "layers.{i}.1.{b}.")
_OF_BLOCK = {
    "norm1": ("norm1", "layer_norm_1", "layernorm_before", "norm1"),
    "norm2": ("norm2", "layer_norm_2", "layernorm_after", "norm2"),
    "attention_query": (
        "attn.q",
        "attention.self.query",
        "attention.q_proj",
        "attn.attn.in_proj.query",
    ),
    "attention_key_value": (
        "attn.kv",
        "attention.self.key_value",
        "attention.key_value_proj",
        "attn.attn.in_proj.key_value",
    ),
    "attention_reduction_conv": (
        "attn.sr",
        "attention.self.sr",
        "attention.sequence_reduction.sequence_reduction",
        "attn.sr",
    ),
    "attention_norm": (
        "attn.norm",
        "attention.self.layer_norm",
        "attention.sequence_reduction.layer_norm",
        "attn.norm",
    ),
    "attention_proj": (
        "attn.proj",
        "attention.output.dense",
        "attention.o_proj",
        "attn.attn.out_proj",
    ),
    "ffn_expand": ("mlp.fc1", "mlp.dense1", "mlp.fc1", "ffn.layers.0"),
    "ffn_depthwise_conv": (
        "mlp.dwconv.dwconv",
        "mlp.dwconv.dwconv",
        "mlp.dwconv.dwconv",
        "ffn.layers.1",
    ),
    "ffn_proj": ("mlp.fc2", "mlp.dense2", "mlp.fc2", "ffn.layers.4"),
}
_OF_KEYS = {  # name of keys -> of values, and of both in one
    "self.key": ("self.value", "self.key_value"),
    "k_proj": ("v_proj", "key_value_proj"),
}
_KEYS = re.compile(rf"(.*\.attention\.)({'|'.join(map(re.escape, _OF_KEYS))})(\..*)")
_OF_HEAD = {  # mmsegmentation has another head
    "decoder_conv": ("linear_fuse.conv", "linear_fuse"),
    "decoder_bn": ("linear_fuse.bn", "batch_norm"),
    "classifier": ("linear_pred", "classifier"),
}
_SCORES = re.compile(
    r"score_predictor\.(?P<stage>\d+)\.score_nets\.(?P<modality>\d+)\.(?P<place>[01357])"
)
_PREFIXES = ("segformer.encoder.", "segformer.", "backbone.", "encoder.")
HEADS = ("decode_head.", "head.", "classifier.")
"""Beginnings of the short names of what is no encoder's."""


def layers_of_encoder(names):
    """Published names of an encoder's layers -> its layers, of all names of a network's layers."""
    found = {}
    for name in names:
        match = re.fullmatch(r"stage(?P<s>\d+)_(block(?P<b>\d+)_)?(?P<part>.*)", name)
        if match is None:
            continue
        stage, block, part = int(match["s"]), match["b"], match["part"]
        if block is None:
            published = _OF_STAGE.get(part, ())
        elif part in _OF_BLOCK:
            published = [x + y for x, y in zip(_BLOCKS, _OF_BLOCK[part], strict=True)]
        else:
            published = ()  # what a fusion strategy has added
        for x in published:
            found[x.format(s=stage, i=stage - 1, b=int(block or 1) - 1)] = name
    return found


def layers_of_head(names):
    """The same for SegFormer's head."""
    found = {}
    for name in names:
        published = _OF_HEAD.get(name, ())
        match = re.fullmatch(r"decoder_stage(\d+)_proj", name)
        if match:
            i = int(match[1]) - 1
            published = (
                f"linear_c{match[1]}.proj",
                f"linear_c.{i}.proj",
                f"linear_projections.{i}.proj",
            )
        found.update({f"decode_head.{x}": name for x in published})
    return found


def short_name(name):
    """`encoder.block1.0.attn.q.module.weight` -> `block1.0.attn.q.weight`."""
    name = name.removeprefix("module.")
    if name.startswith("decoder."):
        name = f"decode_head.{name.removeprefix('decoder.')}"
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    return name.replace(".module.", ".")


def locate(name, layers, variables):
    """Finds the place of a published parameter.

    Args:
        name: Published name in any of the layouts.
        layers: Published name of a layer -> name of the layer.
        variables: What `named_variables` gives of the model.

    Returns:
        `Place`, or `None` for a name that is not known.
    """
    name = short_name(name)
    if name == "alpha":
        return Place("ensemble", "alpha")
    stem, _, kind = name.rpartition(".")
    scores = _SCORES.fullmatch(stem)
    if scores:
        return _place_in_scores(scores, kind)
    stem, _, modality = stem.partition(".ln_")
    layer = layers.get(stem)
    if layer is None or (modality and not modality.isdecimal()):
        return None
    is_norm = (layer, "gamma") in variables
    weights = NORM_WEIGHTS if is_norm else {"weight": "kernel", "bias": "bias"}
    return Place(layer, weights.get(kind), int(modality) if modality else None)


def _place_in_scores(match, kind):
    """Of the norm (0) or of one of the linear layers (1, 3, 5, 7) of `TokenScores`."""
    place = int(match["place"])
    weights = {"weight": "norm/gamma", "bias": "norm/beta"}
    if place:
        weights = {"weight": f"kernel{(place + 1) // 2}", "bias": f"bias{(place + 1) // 2}"}
    layer = f"token_scores{int(match['stage']) + 1}"
    return Place(layer, weights.get(kind), int(match["modality"]))


def with_joined_attention(state_dict):
    """A state dict in which each attention has an entry of queries and one of keys and values.

    Hugging Face has keys and values apart, mmsegmentation all three in one. What does not fit
    together, or has no counterpart, stays as it is.
    """
    found = dict(state_dict)
    for name, entry in state_dict.items():
        key = _KEYS.fullmatch(name)
        value, both = (f"{key[1]}{x}{key[3]}" for x in _OF_KEYS[key[2]]) if key else (None, None)
        try:
            if value in state_dict:
                found[both] = np.concatenate([to_array(entry), to_array(state_dict[value])])
                del found[name], found[value]
            elif ".attn.attn.in_proj_" in name:
                array = to_array(entry)
                queries, stem = len(array) // 3, name.replace(".in_proj_", ".in_proj.{}.")
                parts = {"query": array[:queries], "key_value": array[queries:]}
                found.update({stem.format(part): x for part, x in parts.items()})
                del found[name]
        except (ValueError, TypeError):  # of other shapes, or no arrays
            continue
    return found
