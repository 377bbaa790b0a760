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


def presence_of(inputs, names):
    """Which modalities each example has, from the inputs of a model.

    Args:
        inputs: Dictionary of a model's inputs, whose `"present"` is a tensor `(batch, modalities)`
            of booleans, or of the integers 0 and 1. It may be left out.
        names: Names of the modalities, in the order of its columns.

    Returns:
        Boolean tensor `(batch, modalities)`; `None` if all are there.

    Raises:
        ValueError: If it is no such tensor.
    """
    presence = inputs.get("present") if isinstance(inputs, dict) else None
    if presence is None:
        return None
    shape, dtype = tuple(presence.shape), keras.backend.standardize_dtype(presence.dtype)
    if len(shape) != 2 or shape[1] != len(names) or "float" in dtype:
        raise ValueError(
            '`inputs["present"]` must hold booleans, or integers 0 and 1, of the shape (batch, '
            f"{len(names)}), a column for each of {list(names)}. Received: shape={shape}, "
            f"dtype={dtype}"
        )
    return ops.cast(presence, "bool")


def without_absent(images, presence):
    """Images by modality name, in order; zeros where an example does not have them.

    A value that is not a number would reach the gradient of what is shared, times 0.
    """
    if presence is None:
        return images
    columns = ops.unstack(presence, num=len(images), axis=1)
    return {
        name: ops.where(ops.reshape(here, (-1, 1, 1, 1)), image, ops.zeros_like(image))
        for (name, image), here in zip(images.items(), columns, strict=True)
    }


def present_outputs(presence, names):
    """Which outputs of each example count: boolean `(batch,)` by name.

    A branch where its modality is there, the ensemble where any is. `None` stands for all.
    """
    if presence is None:
        return dict.fromkeys((*names, "ensemble"))
    columns = dict(zip(names, ops.unstack(presence, num=len(names), axis=1), strict=True))
    return {**columns, "ensemble": ops.any(presence, axis=1)}


def output_keys(network, names):
    """Keys of what a multimodal network gives: its branches, if it has any, and the ensemble."""
    return (*(name for name in names if name in network.output), "ensemble")


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
