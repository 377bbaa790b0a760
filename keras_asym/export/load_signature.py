"""A signature of a SavedModel in the form that converters take."""

import tensorflow as tf


def load_signature(saved_model, signature, size):
    """Loads a signature of a SavedModel and fixes the sizes of its images where asked to.

    Args:
        saved_model: Folder of one version of a model, as `export_saved_model` returns it.
        signature: Name of a signature that takes images.
        size: `(batch, height, width)` of every image; `None` where it stays open.

    Returns:
        A `tf.Module` that holds the weights, whose `answer` is a `tf.function` of a dictionary of
        images; and the dictionary of its `tf.TensorSpec`s by modality name.

    Raises:
        ValueError: If there is no SavedModel, no such signature, or it does not take images.
    """
    if not tf.saved_model.contains_saved_model(str(saved_model)):
        raise ValueError(
            "`saved_model` must be the folder of one version, which holds saved_model.pb. "
            f"Received: saved_model={saved_model}"
        )
    loaded = tf.saved_model.load(saved_model)
    if signature not in loaded.signatures:
        raise ValueError(
            f"`signature` must be one of {sorted(loaded.signatures)}. "
            f"Received: signature={signature!r}"
        )
    served = loaded.signatures[signature]
    specs = served.structured_input_signature[1]
    sizes = {name: _sizes(spec, size) for name, spec in specs.items()}
    if None in sizes.values():
        raise ValueError(
            "`signature` must take images (batch, height, width, channels): encoded files are "
            f"decoded by TensorFlow alone. Received: signature={signature!r} with {specs}"
        )
    specs = {
        name: tf.TensorSpec((*sizes[name], spec.shape[-1]), spec.dtype, name=name)
        for name, spec in specs.items()
    }
    module = tf.Module()
    module.loaded = loaded  # whose weights `served` reads
    module.answer = tf.function(lambda images: served(**images), autograph=False)
    return module, specs


def _sizes(spec, size):
    """The axes but the last one: of images, or of which sensors are there; else `None`."""
    if len(spec.shape) == 4:
        return tuple(size)
    return tuple(size[:1]) if len(spec.shape) == 2 and spec.dtype == tf.bool else None
