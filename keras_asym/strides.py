"""By how much the features of a network are smaller than its image."""

import math

import keras

from keras_asym.keras_internals import run_through_graph

# A multiple of 2**9, so that strides are whole, and of 5, so that few sizes look like a stride.
_SIZE = (2560, 2560)
_TOLERANCE = 0.1  # of a power of two: without padding there are some pixels less
_OF_SMALL = 0.5


def strides_of(model, tensors):
    """The stride of each symbolic tensor of a functional model, a power of two.

    Shapes alone are computed, on a large image, where a few pixels more or less do not matter; on
    the model's own size where a layer takes no other.

    Args:
        model: Functional model of one input `(batch, height, width, channels)`.
        tensors: Symbolic tensors of its graph.

    Returns:
        List of whole numbers; `None` for what is neither a feature map `(batch, height, width,
        channels)` nor tokens `(batch, tokens, channels)`, or has another size.
    """
    _, *own, channels = model.inputs[0].shape
    try:
        shapes = _shapes(model, tensors, (*_SIZE, channels))
    except (ValueError, TypeError):
        if None in own:
            raise
        return [_stride(own, x.shape, _OF_SMALL) for x in tensors]
    return [_stride(_SIZE, shape, _TOLERANCE) for shape in shapes]


def _shapes(model, tensors, image):
    graph = keras.Function(model.inputs, tensors)
    inputs = [keras.KerasTensor((1, *image), model.inputs[0].dtype)]
    outputs = run_through_graph(graph, inputs, lambda x: x.compute_output_spec, None)
    return [x.shape for x in keras.tree.flatten(outputs)]


def _stride(size, shape, tolerance):
    if len(shape) not in (3, 4) or not all(shape[1:-1]):
        return None
    numbers = shape[1:-1]
    if math.prod(numbers) == 1:  # pooled
        return None
    if len(numbers) == 1:  # tokens, of which a stride of 2 leaves a quarter
        powers = [math.log2(math.prod(size) / numbers[0]) / 2]
    else:
        powers = [math.log2(a / b) for a, b in zip(size, numbers, strict=True)]
    nearest = {round(power) for power in powers}
    known = len(nearest) == 1 and all(abs(x - round(x)) < tolerance for x in powers)
    power = nearest.pop()
    return 2**power if known and power >= 0 else None
