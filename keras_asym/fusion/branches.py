"""The modalities at both ends of a network: what each gives to it and takes from it."""

import operator

import keras

from keras_asym.layers import RepeatChannels, SurfaceNormals, UnfoldModalities

# Keys beside the modalities, of a model's outputs and of its inputs.
RESERVED = ("ensemble", "present")
STEMS = ("repeat", "normals", "fresh")
"""How an image of another kind can come to a network that expects three channels."""


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


def check_stems(stems, names):
    """`stems` as a dictionary of modality name -> stem.

    Raises:
        ValueError: If it is none, or holds another name or kind of stem.
    """
    stems = {} if stems is None else stems
    if not isinstance(stems, dict) or any(name not in names for name in stems):
        raise ValueError(
            f"`stems` must be a dictionary with some of the modalities {list(names)}. "
            f"Received: stems={stems!r}"
        )
    for name, stem in stems.items():
        if not isinstance(stem, keras.layers.Layer) and stem not in STEMS:
            raise ValueError(
                f"`stems` must be one of {STEMS}, or a layer, for each modality. Received: "
                f"{name!r}: {stem!r}"
            )
    return stems


def fit_channels(x, name, channels, stem="repeat"):
    """The tensor with as many channels as the network takes: itself, repeated or projected.

    Args:
        x: Symbolic image.
        name: What new layers' names begin with.
        channels: Number of channels of the network's input.
        stem: One of `STEMS`, or a layer that is called on the image first.
    """
    if stem == "normals":  # in float32 also where others compute in half precision
        stem = SurfaceNormals(name=f"{name}_normals", dtype="float32")
    if isinstance(stem, keras.layers.Layer):
        x = stem(x)
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
