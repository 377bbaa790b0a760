import functools
import logging
import re

from keras_asym.weights.entries import check_names
from keras_asym.weights.loading import assign_entries
from keras_asym.weights.mix_transformer_names import (
    HEADS,
    layers_of_encoder,
    layers_of_head,
    locate,
    short_name,
    with_joined_attention,
)
from keras_asym.weights.named_variables import named_variables
from keras_asym.weights.reading import read_state_dict

LICENCE = (
    "The published weights of Mix Transformer and SegFormer (NVIDIA), and what others have "
    "converted or trained from them, are licensed for non-commercial use alone: research and "
    "evaluation."
)


def load_mix_transformer_checkpoint(model, path):
    """Loads a checkpoint file into the encoder; see `load_mix_transformer_state_dict`.

    Args:
        model: As in `load_mix_transformer_state_dict`.
        path: `mit_b0.pth` to `mit_b5.pth`, or another file of `read_state_dict`.
    """
    load_mix_transformer_state_dict(model, read_state_dict(path))


def load_mix_transformer_state_dict(model, state_dict):
    """Copies published weights into a Mix Transformer, its norms to every modality.

    The published ImageNet weights (`mit_b0.pth` to `mit_b5.pth`) are licensed for non-commercial
    use alone (research and evaluation), and so is what others have converted or trained from them;
    the loader says so once. With Hugging Face's and TokenFusion's weights belong other epsilons,
    see `MixTransformer`.

    Args:
        model: `MixTransformer`, a network on it such as `SegFormer`, what `to_multimodal` makes of
            them, or a `Segmenter`.
        state_dict: Dictionary of name -> array in PyTorch's layout, with the names of the authors'
            program, of Hugging Face (its files, and its modules since transformers 5), of
            mmsegmentation (`in_proj_weight`) or of TokenFusion (`.ln_0`), of the encoder alone or
            of a segmentation network, whose head is not used, no more than that of a classifier.

    Raises:
        ValueError: If an entry of the encoder is missing, unexpected, wrongly shaped, there twice,
            or not of finite real numbers; lists them. The model is then unchanged.
    """
    check_names(state_dict)
    encoder = {
        name: entry
        for name, entry in state_dict.items()
        if not short_name(name).startswith((*HEADS, "alpha"))
    }
    _load(model, encoder, layers_of_encoder)


def load_segformer_checkpoint(model, path):
    """Loads a checkpoint file of a whole network; see `load_segformer_state_dict`.

    Args:
        model: As in `load_segformer_state_dict`.
        path: File of `read_state_dict`.
    """
    load_segformer_state_dict(model, read_state_dict(path))


def load_segformer_state_dict(model, state_dict):
    """Copies a published SegFormer with its head into a model, its norms to every modality.

    The licence is that of `load_mix_transformer_state_dict`: non-commercial, as the loader says
    once. mmsegmentation's own checkpoints have another head; of these, the other loader takes the
    encoder.

    Args:
        model: `SegFormer`, what `to_multimodal` makes of it, or a `Segmenter`.
        state_dict: Dictionary of name -> array in PyTorch's layout, with the names of the authors'
            program (whose `conv_seg`, which nothing uses, is passed over), of Hugging Face or of
            TokenFusion, whose `alpha` is the ensemble's and whose score predictors are those of
            `TokenExchanging`.

    Raises:
        ValueError: If an entry of encoder or head is missing, unexpected, wrongly shaped, there
            twice, or not of finite real numbers; lists them. The model is then unchanged.
    """
    check_names(state_dict)
    used = {
        name: entry
        for name, entry in state_dict.items()
        if not short_name(name).startswith("decode_head.conv_seg.")
    }
    _load(model, used, lambda names: {**layers_of_encoder(names), **layers_of_head(names)})


def _load(model, state_dict, layers_of):
    variables = named_variables(model)
    layers = layers_of({layer for layer, _ in variables})
    find = functools.partial(locate, layers=layers, variables=variables)
    entries = {
        name: _as_of_a_convolution(entry, find(name), variables)
        for name, entry in with_joined_attention(state_dict).items()
    }
    names = "|".join(sorted({re.escape(name) for name in layers.values()}))
    assign_entries(model, entries, rf"({names})(_exchange/\w+)?/.*", find)
    _say_licence()


@functools.cache
def _say_licence():
    logging.getLogger("keras_asym").warning(LICENCE)


def _as_of_a_convolution(entry, place, variables):
    """A kernel with the axes that an ordinary convolution's would have in its place."""
    shape = getattr(entry, "shape", ())
    is_known = place is not None and place.variable in variables
    if not is_known or not place.weight.startswith("kernel"):
        return entry
    if place.layer.endswith("_depthwise_conv") and len(shape) == 4:
        return entry.swapaxes(0, 1)  # (channels, 1, h, w): of each channel its own
    if len(variables[place.variable].shape) < 4 and len(shape) in (2, 4):
        matrix = entry[:, :, 0, 0] if shape[2:] == (1, 1) else entry  # mmsegmentation's 1x1
        return matrix.swapaxes(0, 1)
    return entry
