"""Whether a network ends in logits or in probabilities, and what its loss takes them for."""

import keras
from keras import layers

from keras_asym.keras_internals import operation_of
from keras_asym.layers import ResizeLike, UnfoldModalities
from keras_asym.losses import ValidPixelCrossentropy

_TO_PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")

# Through these values pass as they are, if perhaps at other places or as means of neighbours.
_PASSING_LAYERS = (
    UnfoldModalities,
    ResizeLike,
    layers.Cropping2D,
    layers.Dropout,
    layers.Identity,
    layers.Permute,
    layers.Reshape,
    layers.Resizing,
    layers.UpSampling2D,
)
_PASSING_OPERATIONS = ("Cast", "GetItem", "Reshape", "Resize", "ScaleAndTranslate", "Transpose")


def check_loss(loss, network, branch):
    """Raises `ValueError` if a loss takes the network's probabilities for logits or the reverse.

    Args:
        loss: Loss of one output, as given to `compile`.
        network: Network made by `to_multimodal`.
        branch: Name of one of its outputs, which is looked at, and its auxiliary ones with it.
    """
    for output in keras.tree.flatten(network.output[branch]):
        _check_output(loss, network, output)


def gives_probabilities(network, branch):
    """Whether an output of a network, by its name, ends in a softmax or sigmoid."""
    output = keras.tree.flatten(network.output[branch])[0]
    return _activation(_last_operation(output)) in _TO_PROBABILITIES


def _check_output(loss, network, output):
    last = _last_operation(output)
    activation = _activation(last)
    from_logits = isinstance(loss, ValidPixelCrossentropy) or getattr(loss, "from_logits", None)
    if activation in _TO_PROBABILITIES and from_logits:
        raise ValueError(
            f"The network must end in logits, as its loss {type(loss).__name__} takes the softmax "
            f"itself. Received: '{last.name}' with {activation} at the end of '{network.name}'; "
            "build the network without it (classifier_activation=None in keras.applications), or "
            "give compile a loss of probabilities"
        )
    is_linear = activation == "linear" and hasattr(last, "kernel")
    if is_linear and from_logits is False:
        raise ValueError(
            f"The loss {type(loss).__name__} takes probabilities, but '{network.name}' ends in the "
            f"logits of '{last.name}'. Build the loss with from_logits=True, or leave it out of "
            "compile for a ValidPixelCrossentropy"
        )


def _last_operation(tensor):
    """The layer or operation that made the values of an output of a functional model."""
    operation = operation_of(tensor)
    while True:
        name = type(operation).__name__
        linear = isinstance(operation, layers.Activation) and _activation(operation) == "linear"
        if isinstance(operation, keras.Model) and hasattr(operation, "output"):
            tensor = operation.output
        elif isinstance(operation, _PASSING_LAYERS) or name in _PASSING_OPERATIONS or linear:
            tensor = operation.input
        else:
            return operation
        if keras.tree.is_nested(tensor):  # of several tensors: what it does with them is not known
            return operation
        operation = operation_of(tensor)


def _activation(operation):
    """Name of the activation that an operation ends in; `None` if it has none."""
    if isinstance(operation, layers.Layer) and not isinstance(operation, layers.Softmax):
        activation = getattr(operation, "activation", None)
        return getattr(activation, "__name__", None)
    return {"Softmax": "softmax", "Sigmoid": "sigmoid", "HardSigmoid": "hard_sigmoid"}.get(
        type(operation).__name__
    )
