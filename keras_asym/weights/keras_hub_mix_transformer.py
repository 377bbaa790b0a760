import keras
import numpy as np

from keras_asym.weights.mix_transformer import load_mix_transformer_state_dict


def load_keras_hub_mix_transformer(model, backbone):
    """Copies a KerasHub Mix Transformer into one of this package, its norms to every modality.

    The features are the same with `MixTransformer(epsilons={"stage": 1e-5},
    approximate_gelu=True)`, in which KerasHub departs from the published program. Its presets were
    converted from the published weights, which are licensed for non-commercial use alone (research
    and evaluation), as the loader says once.

    Args:
        model: `MixTransformer`, a network on it such as `SegFormer`, what `to_multimodal` makes of
            them, or a `Segmenter`.
        backbone: `keras_hub.models.MiTBackbone`, such as
            `MiTBackbone.from_preset("mit_b0_ade20k_512")`.

    Raises:
        ValueError: If `backbone` is none, or has another width or other numbers of blocks than the
            model's encoder; lists what does not fit. The model is then unchanged.
    """
    if not hasattr(backbone, "layerwise_depths"):
        raise ValueError(
            "`backbone` must be a keras_hub.models.MiTBackbone; an ImageClassifier has it as "
            f"`backbone`, a SegFormer as `backbone.image_encoder`. Received: {backbone!r}"
        )
    layers = {}
    norms = [x for x in backbone.layers if isinstance(x, keras.layers.LayerNormalization)]
    for stage, (depth, norm) in enumerate(zip(backbone.layerwise_depths, norms, strict=True)):
        embedding = backbone.get_layer(f"patch_and_embed_{stage}")
        layers[f"patch_embed{stage + 1}.proj"] = [embedding.proj]
        layers[f"patch_embed{stage + 1}.norm"] = [embedding.norm]
        for block in range(depth):
            encoder = backbone.get_layer(f"hierarchical_encoder_{stage}_{block}")
            for name, found in _of_block(encoder).items():
                layers[f"block{stage + 1}.{block}.{name}"] = found
        layers[f"norm{stage + 1}"] = [norm]
    state_dict = {}
    for name, parts in layers.items():
        for index, weight in enumerate(parts[0].weights):
            kind = "bias" if weight.name in ("bias", "beta") else "weight"
            values = [_in_torch_layout(part, part.weights[index]) for part in parts]
            state_dict[f"{name}.{kind}"] = np.concatenate(values)
    load_mix_transformer_state_dict(model, state_dict)


def _of_block(encoder):
    """The layers of a block by the names of the authors' program; keys and values are two."""
    attention = encoder.attn
    found = {
        "norm1": [encoder.norm1],
        "attn.q": [attention.q],
        "attn.kv": [attention.k, attention.v],
        "attn.proj": [attention.proj],
        "norm2": [encoder.norm2],
        "mlp.fc1": [encoder.mlp.fc1],
        "mlp.dwconv.dwconv": [encoder.mlp.dwconv],
        "mlp.fc2": [encoder.mlp.fc2],
    }
    if attention.sr_ratio > 1:
        found |= {"attn.sr": [attention.sr], "attn.norm": [attention.norm]}
    return found


def _in_torch_layout(layer, weight):
    value = keras.ops.convert_to_numpy(weight)
    if value.ndim == 4:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        return value.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    return value.T
