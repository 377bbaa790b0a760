"""The modalities at both ends of a network: what each gives to it and takes from it."""

import keras

from keras_asym.layers import RepeatChannels, UnfoldModalities


def check_modalities(modalities):
    """Raises `ValueError` unless it is a dictionary of modality name -> number of channels."""
    if not isinstance(modalities, dict) or not modalities:
        raise ValueError(
            '`modalities` must be a dictionary of name -> channels, such as {"rgb": 3, "depth": '
            f"1}}. Received: modalities={modalities!r}"
        )
    for name, channels in modalities.items():
        if name == "ensemble":
            raise ValueError('`modalities` must not use the name "ensemble": it is an output.')
        if not isinstance(channels, int) or channels < 1:
            raise ValueError(
                "`modalities` must give each name a number of channels of at least 1. "
                f"Received: {name!r}: {channels!r}"
            )


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
        flat.append(UnfoldModalities(len(names), name=layer_name)(tensor))
    return {
        name: keras.tree.pack_sequence_as(features, [branches[index] for branches in flat])
        for index, name in enumerate(names)
    }
