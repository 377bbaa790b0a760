"""What the models ask of their inputs, and of where they run."""

import keras
from keras import ops


def check_images(inputs, network, names):
    """Raises `ValueError` unless the inputs are images of one size for each modality.

    Args:
        inputs: What a model was called on.
        network: Multimodal network with a dictionary of inputs.
        names: Names of its modalities.

    Returns:
        Dictionary with just the modalities, in order.
    """
    if not isinstance(inputs, dict) or any(name not in inputs for name in names):
        received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
        raise ValueError(
            f"The inputs must be a dictionary with the modalities {list(names)}. Received: "
            f'{received}. For a subset of the sensors call model.select(["{names[0]}"]).'
        )
    shapes = {name: tuple(inputs[name].shape) for name in names}
    for name in names:
        channels = network.input[name].shape[-1]
        if len(shapes[name]) != 4 or shapes[name][-1] != channels:
            raise ValueError(
                f"Modality '{name}' must have the shape (batch, height, width, {channels}). "
                f"Received: {shapes[name]}"
            )
    sizes = {shape[1:3] for shape in shapes.values() if None not in shape[1:3]}
    if len(sizes) > 1:
        raise ValueError(
            "The modalities of an example must have one height and width; crop or resize them "
            f"to one another first. Received: {shapes}"
        )
    return {name: inputs[name] for name in names}


def at_least_float32(x):
    """The tensor in float32, or in float64 if it is: what outputs and losses are computed in."""
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))


def same_where_known(shape, expected):
    """Whether two static shapes agree but for axes that are `None` in one of them."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def is_distributed():
    """Whether a TensorFlow distribution strategy is in force."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.has_strategy()
