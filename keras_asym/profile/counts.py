"""Parameters and multiply-accumulates (MACs) of a model, counted from its graph."""

import dataclasses
import math
import re

import tensorflow as tf

# Weights with a row for each modality: of norms, and of `TokenScores`.
_PRIVATE = re.compile(r"gamma|beta|moving_(mean|variance)|(kernel|bias)\d")


@dataclasses.dataclass(frozen=True)
class Counts:
    """MACs for one example.

    Args:
        convolution: Of convolutions, depthwise ones included.
        transposed: Of transposed convolutions.
        dense: Of matrix products with weights.
        other: Of the matrix products without weights: attention, the resizing of features.
    """

    convolution: int = 0
    transposed: int = 0
    dense: int = 0
    other: int = 0

    @property
    def total(self):
        """All that weights take part in."""
        return self.convolution + self.transposed + self.dense


def count_macs(model, height, width):
    """Counts what the ensemble's output costs for one example.

    Args:
        model: `Segmenter` or `Translator`.
        height, width: Size of the images.

    Returns:
        `Counts`. Of `model.select([name])` they are those of one modality.
    """
    specs = {
        name: tf.TensorSpec((1, height, width, model.network.input[name].shape[-1]))
        for name in model.modality_names
    }
    function = tf.function(
        lambda images: model(images, training=False)["ensemble"], autograph=False
    )
    found = dict.fromkeys(("convolution", "transposed", "dense", "other"), 0)
    for operation in _operations(function.get_concrete_function(specs).graph):
        kind, macs = _macs(operation)
        if kind:
            found[kind] += macs
    return Counts(**found)


def count_parameters(model):
    """Numbers of parameters of the network that answers: in all, and private to one modality.

    A Translator's discriminator is not counted. Private are gamma, beta and the statistics of
    norms, and what predicts the scores of tokens.
    """
    weights = model.network.weights
    rows = len(model.modality_names)
    private = [w for w in weights if _PRIVATE.fullmatch(w.name) and len(w.shape) > 1]
    return _size(weights), _size(w for w in private if w.shape[0] == rows) // rows


def _size(weights):
    return sum(math.prod(weight.shape) for weight in weights)


def _operations(graph):
    """Operations of a graph and of the functions that it calls, such as a grouped convolution."""
    for operation in graph.get_operations():
        if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
            yield from _operations(graph._get_function(operation.get_attr("f").name).graph)
        else:
            yield operation


def _macs(operation):
    if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
        kernel, output = operation.inputs[1].shape, operation.outputs[0].shape
        # Kernel (height, width, input channels of a group, outputs); each output value has one
        # product for each of the first three. Depthwise: (height, width, channels, multiplier).
        depthwise = operation.type != "Conv2D"
        return "convolution", math.prod(output) * math.prod(kernel[: 2 if depthwise else 3])
    if operation.type == "Conv2DBackpropInput":
        # Kernel (height, width, outputs, inputs): each input value is spread over the others.
        return "transposed", math.prod(operation.inputs[2].shape) * math.prod(
            operation.inputs[1].shape[:3]
        )
    if operation.type in ("MatMul", "BatchMatMulV2"):
        transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
        inner = operation.inputs[0].shape[-2 if transposed else -1]
        return _product(operation), math.prod(operation.outputs[0].shape) * inner
    if operation.type == "Einsum" and len(operation.inputs) == 2:
        return _product(operation), math.prod(operation.outputs[0].shape) * _contracted(operation)
    return None, 0


def _product(operation):
    return "dense" if any(_is_weight(x) for x in operation.inputs) else "other"


def _is_weight(tensor):
    """Whether a tensor is made of variables alone, such as a modality's part of a kernel."""
    found, seen, waiting = False, set(), [tensor]
    while waiting:
        tensor = waiting.pop()
        if tensor.dtype == tf.resource:
            found = True
        elif tensor.op.type == "Placeholder":
            return False
        elif tensor.op.name not in seen:
            seen.add(tensor.op.name)
            waiting.extend(tensor.op.inputs)
    return found


def _contracted(einsum):
    """Number of products for each value of an Einsum's output, as of `"bic,bjc->bij"`: c."""
    inputs, output = einsum.get_attr("equation").decode().split("->")
    sizes = {}
    for labels, tensor in zip(inputs.split(","), einsum.inputs, strict=True):
        first, _, last = labels.partition("...")
        sizes |= zip(first, tensor.shape, strict=False)
        sizes |= zip(reversed(last), reversed(tensor.shape), strict=False)
    return math.prod(size for label, size in sizes.items() if label not in output)
