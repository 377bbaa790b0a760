"""Auxiliary outputs: what a network gives beside its logits, for training alone.

A network that has them gives the list `[logits, auxiliary_1, auxiliary_2, ...]`.
"""

import math

import keras


def split_outputs(output):
    """The logits and the list of auxiliary outputs of one branch of a multimodal network."""
    if not isinstance(output, list | tuple):
        return output, []
    return output[0], list(output[1:])


def without_auxiliary(network):
    """The part of a multimodal network that its first outputs need, with the same layers.

    The network itself where it has no auxiliary outputs.
    """
    if not any(split_outputs(output)[1] for output in network.output.values()):
        return network
    outputs = {key: split_outputs(output)[0] for key, output in network.output.items()}
    return keras.Model(network.input, outputs, name=network.name)


def check_auxiliary(weights, network):
    """The weights of the auxiliary outputs as a list of Python's numbers, checked.

    Args:
        weights: One number for each auxiliary output.
        network: Multimodal network whose branches give tensors or lists of them.

    Raises:
        ValueError: If the numbers are others, or an auxiliary output is no image of as many
            classes as the logits.
    """
    branches = [value for key, value in network.output.items() if key != "ensemble"]
    logits, auxiliary = split_outputs((branches or list(network.output.values()))[0])
    for tensor in keras.tree.flatten([logits, auxiliary]):
        if len(tensor.shape) != 4 or tensor.shape[-1] != logits.shape[-1]:
            raise ValueError(
                "The outputs of `network` must be logits (batch, height, width, num_classes), of "
                "as many classes in its auxiliary outputs. Received: outputs of the shapes "
                f"{[tuple(x.shape) for x in keras.tree.flatten([logits, auxiliary])]}"
            )
    weights = list(weights) if isinstance(weights, list | tuple) else weights
    if not isinstance(weights, list) or len(weights) != len(auxiliary):
        raise ValueError(
            "`auxiliary_weights` must hold one weight for each auxiliary output, of which "
            f"'{network.name}' has {len(auxiliary)}; a network that is built without them needs "
            f"none. Received: auxiliary_weights={weights!r}"
        )
    if not all(isinstance(x, int | float) and math.isfinite(x) and x >= 0 for x in weights):
        raise ValueError(
            "`auxiliary_weights` must be finite numbers of at least 0. Received: "
            f"auxiliary_weights={weights!r}"
        )
    return [float(x) for x in weights]


def auxiliary_keys(key, count):
    """Keys of a branch's auxiliary outputs; no modality has a name with a slash."""
    return [f"{key}/auxiliary_{index + 1}" for index in range(count)]
