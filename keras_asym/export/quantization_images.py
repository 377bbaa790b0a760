"""The images by which the ranges of int8 activations are found."""

import numpy as np
import tensorflow as tf


def quantization_batches(images, specs):
    """Batches of the images by which a graph is quantized.

    Args:
        images: Dictionary of arrays `(number, height, width, channels)` by modality name, of
            the raw images' dtypes, such as some of those that a model was trained on.
        specs: Dictionary of `tf.TensorSpec`s of the graph's images by modality name.

    Returns:
        List of dictionaries of arrays with the batch size of `specs`, 1 where it is open. Images
        that are left over are not used.

    Raises:
        ValueError: If there is no image, or they do not fit the graph.
    """
    if not isinstance(images, dict) or any(name not in images for name in specs):
        received = sorted(images) if isinstance(images, dict) else type(images).__name__
        raise ValueError(
            "`quantization_images` must be a dictionary of arrays (number, height, width, channels)"
            f" for the modalities {sorted(specs)}. Received: {received}"
        )
    arrays = {name: np.asarray(images[name]) for name in specs}
    for name, spec in specs.items():
        dtype = spec.dtype.name
        shape = tf.TensorShape((None, *spec.shape[1:]))
        if arrays[name].dtype.name != dtype or not shape.is_compatible_with(arrays[name].shape):
            raise ValueError(
                f"`quantization_images` must hold '{name}' as {dtype} of the shape (number, "
                f"{', '.join(str(x or 'any') for x in spec.shape[1:])}), what the signature takes. "
                f"Received: {arrays[name].dtype.name} of the shape {arrays[name].shape}"
            )
    batch = next(iter(specs.values())).shape[0] or 1
    numbers = {name: len(value) for name, value in arrays.items()}
    if len(set(numbers.values())) > 1 or min(numbers.values()) < batch:
        raise ValueError(
            f"`quantization_images` must hold at least {batch} images, as many of each modality. "
            f"Received: {numbers}"
        )
    return [
        {name: value[start : start + batch] for name, value in arrays.items()}
        for start in range(0, min(numbers.values()) - batch + 1, batch)
    ]
