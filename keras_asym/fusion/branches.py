"""The modalities at both ends of a network: what each gives to it and takes from it."""

import operator

import keras

from keras_asym.layers import RepeatChannels, UnfoldModalities

# Keys beside the modalities, of a model's outputs and of its inputs.
RESERVED = ("ensemble", "present")


def check_modalities(modalities):
    """A dictionary of modality name -> number of channels, checked, with Python's integers.

    Raises:
        ValueError: If it is none, or a name or a number cannot be used.
    """
    if not isinstance(modalities, dict) or not modalities:
        raise ValueError(
            '`modalities` must be a dictionary of name -> channels, such as {"rgb": 3, "depth": '
            f"1}}. Received: modalities={modalities!r}"
        )
    found = {}
    for name, channels in modalities.items():
        if not isinstance(name, str) or not name or name in RESERVED:
            raise ValueError(
                f"`modalities` must have names, not empty and none of {RESERVED}, which stand "
                f"beside the modalities in inputs and outputs. Received: {name!r}"
            )
        found[name] = _whole(channels)
        if found[name] < 1:
            raise ValueError(
                "`modalities` must give each name a number of channels of at least 1. "
                f"Received: {name!r}: {channels!r}"
            )
    return found


def _whole(channels):
    """A number of channels as Python's integer; 0 if it is none."""
    try:
        return 0 if isinstance(channels, bool) else operator.index(channels)
    except TypeError:
        return 0


def fit_channels(x, name, channels):
    """The tensor with as many channels as the network takes: itself, repeated or projected."""
    if x.shape[-1] == channels:
        return x
    if x.shape[-1] < channels:
        return RepeatChannels(channels, name=f"{name}_repeat")(x)
    return keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_projection")(x)


def unfold_structure(features, names):
    """{name: structure of features} from a structure of folded features."""
    flat = []
    for index, tensor in enumerate(keras.tree.flatten(features)):
        layer_name = "unfold_modalities" + (f"_{index}" if index else "")
        unfold = UnfoldModalities(len(names), name=layer_name, dtype=tensor.dtype)
        flat.append(unfold(tensor))
    return {
        name: keras.tree.pack_sequence_as(features, [branches[index] for branches in flat])
        for index, name in enumerate(names)
    }
