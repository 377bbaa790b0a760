"""Checks of the examples that enter a pipeline: once where static, otherwise at each example."""

import tensorflow as tf

from recipes.segmentation.augmentation import VOID


def check_source(source, modalities):
    """Raises `ValueError` if the elements of `source` do not have the configured modalities.

    Args:
        source: `tf.data.Dataset` of `dict`s with an image `(height, width, channels)` for each
            modality and an integer `"label"` `(height, width, 1)`.
        modalities: `dict` from name to spec, see `preprocessing.check_modalities`.

    Returns:
        The number of examples.
    """
    spec = source.element_spec
    if not isinstance(spec, dict):
        raise ValueError(
            "`source` must be a data set of dicts with one entry for each modality and 'label'. "
            f"Received: elements {spec}"
        )
    missing = [name for name in (*modalities, "label") if name not in spec]
    if missing:
        raise ValueError(
            f"`source` must have the entries {missing}, which the modalities of the config or the "
            f"masks ask for. Received: entries {sorted(spec)}"
        )
    for name in (*modalities, "label"):
        channels = 1 if name == "label" else modalities[name]["channels"]
        if not spec[name].shape.is_compatible_with((None, None, channels)):
            raise ValueError(
                f"`source['{name}']` must be (height, width, {channels}); a modality's channels "
                f"are set in the config. Received: shape {spec[name].shape}"
            )
    if not spec["label"].dtype.is_integer:
        raise ValueError(
            f"`source['label']` must hold integer class ids. Received: {spec['label'].dtype.name}"
        )
    return num_examples(source)


def num_examples(source):
    """Number of examples of a `tf.data.Dataset`; `ValueError` if it is zero or unknown."""
    count = int(source.cardinality())
    if count == 0:
        raise ValueError(
            "`source` must have at least one example: check the split's name and its list file. "
            "Received: an empty data set"
        )
    if count < 0:
        raise ValueError(
            "`source` must be finite and know its number of examples: apply "
            "`tf.data.experimental.assert_cardinality(n)` after a filter or a generator. "
            f"Received: cardinality {'infinite' if count == -1 else 'unknown'}"
        )
    return count


def check_example(example, modalities, num_classes, name):
    """Stops the pipeline at a broken example; the error names it.

    Args:
        example: `dict` with an image for each modality and `"label"`.
        modalities: `dict` from name to spec.
        num_classes: labels are 0..num_classes-1 and 255 (void).
        name: string tensor, the example's name in messages.

    Returns:
        `example` with just the modalities and `"label"`.
    """
    label = example["label"]
    size = tf.shape(label)[:2]
    checks = []
    for modality in modalities:
        image = example[modality]
        message = f"`{modality}` and `label` must have the same height and width. Received:"
        extent = tf.shape(image)[:2]
        checks.append(require(tf.reduce_all(tf.equal(extent, size)), name, message, extent, size))
        if image.dtype.is_floating:
            broken = tf.reduce_sum(tf.cast(~tf.math.is_finite(image), tf.int32))
            message = f"`{modality}` must be finite (write holes as 0). Values NaN or Inf:"
            checks.append(require(tf.equal(broken, 0), name, message, broken))
    wide = tf.cast(label, tf.int32)
    wrong = ((wide < 0) | (wide >= num_classes)) & tf.not_equal(wide, VOID)
    message = f"`label` must be 0..{num_classes - 1} or {VOID} (void). Received:"
    found = tf.unique(tf.boolean_mask(wide, wrong)).y
    checks.append(require(~tf.reduce_any(wrong), name, message, found))
    # Without the dependency a later operation may fail first, with a message that helps nobody.
    with tf.control_dependencies(checks):
        return {key: tf.identity(example[key]) for key in (*modalities, "label")}


def require(condition, name, message, *values):
    """An operation that fails with "Example `name`: message value and value"."""
    shown = tf.strings.join([tf.strings.format("{}", value) for value in values], separator=" and ")
    text = tf.strings.join(["Example `", name, "`: ", message, " ", shown])
    return tf.debugging.Assert(condition, [text])
