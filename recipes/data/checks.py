"""Checks of what enters a pipeline: once where static, otherwise at each example.

An example is a mapping with an image `(height, width, channels)` for each modality as it is stored,
for segmentation an integer mask `"label"` `(height, width, 1)`, and optionally a string `"id"`,
which error messages then name.
"""

import numpy as np
import tensorflow as tf

from tfds_builders.reading import VOID


def check_source(source, channels):
    """Raises `ValueError` if a source does not have the configured images, or none at all.

    Args:
        source: `recipes.data.sources.Source`.
        channels: `dict` from the name of an image to its number of stored channels.
    """
    if not len(source):
        raise ValueError(
            "`source` must have at least one example: check the split's name and its list file. "
            "Received: an empty data set"
        )
    missing = [name for name in channels if name not in source.signature]
    if missing:
        raise ValueError(
            f"`source` must have the entries {missing}, which the config asks for. "
            f"Received: entries {sorted(source.signature)}"
        )
    for name, number in channels.items():
        shape = source.signature[name].shape
        if len(shape) != 3 or shape[2] not in (number, None):
            raise ValueError(
                f"`source`['{name}'] must be (height, width, {number}); the channels are set in "
                f"the config. Received: shape {tuple(shape)}"
            )
    if "label" in channels and not source.signature["label"].dtype.is_integer:
        raise ValueError(
            "`source['label']` must hold integer class ids. "
            f"Received: {source.signature['label'].dtype.name}"
        )


def check_batch_size(batch_size):
    """Raises `ValueError` unless a batch holds an example."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")


def check_images(example, specs, reference, name, num_classes=None):
    """Stops the pipeline at an example whose images do not fit; the error names it.

    Args:
        example: `dict` with an image for each spec and for `reference`.
        specs: `dict` from name to spec, see `specs.check_specs`.
        reference: name of the image whose size the others must have.
        name: the example's name in messages.
        num_classes: with it, `example["label"]` must hold 0..num_classes-1 and 255 (void) alone.

    Returns:
        `example` with just these images.
    """
    checks = []
    size = tf.shape(example[reference])[:2]
    for key, spec in specs.items():
        checks += _image_checks(key, example[key], spec, reference, size)
    if num_classes is not None:
        checks.append(_label_check(example["label"], num_classes))
    names = dict.fromkeys((*specs, reference))
    return enforce(checks, name, {key: example[key] for key in names})


def example_name(example, number):
    """What error messages call an example: its `"id"`, or else its number."""
    return example["id"] if "id" in example else tf.strings.as_string(number)


def enforce(checks, name, images):
    """Images that cannot be computed where a check fails; the error names the example.

    Args:
        checks: List of `(condition, message, function that gives the tensors to show)`.
        name: Name of the example, a string tensor.
        images: `{name: tensor}`.
    """
    fine = tf.reduce_all(tf.stack([condition for condition, _, _ in checks]))

    def fail():
        failures = []
        for condition, message, values in checks:
            shown = [tf.strings.format("{}", value) for value in values()]
            shown = tf.strings.join(shown, separator=" and ")
            text = tf.strings.join(["Example `", name, "`: ", message, " ", shown])
            failures.append(tf.debugging.Assert(condition, [text]))
        with tf.control_dependencies(failures):
            return tf.identity(fine)

    # Nothing is put into words unless a check fails.
    checked = tf.cond(fine, lambda: fine, fail)
    # Without the dependency a later operation may fail first, with a message that helps nobody.
    with tf.control_dependencies([checked]):
        return {name: tf.identity(image) for name, image in images.items()}


def _image_checks(key, image, spec, reference, size):
    """Triples as `enforce` takes them."""
    extent = tf.shape(image)[:2]
    message = f"`{key}` must have pixels: it is missing. Received:"
    yield tf.reduce_all(extent > 0), message, lambda: (extent,)
    message = f"`{key}` and `{reference}` must have the same height and width. Received:"
    yield tf.reduce_all(tf.equal(extent, size)), message, lambda: (extent, size)
    if image.dtype.is_floating and spec.get("invalid") is None:
        message = (
            f"`{key}` must be finite (write holes as 0, or set `invalid` in its spec, which takes "
            "NaN and Inf for holes as well). Values NaN or Inf:"
        )
        finite = tf.math.is_finite(image)
        yield tf.reduce_all(finite), message, lambda: (tf.math.count_nonzero(~finite),)


def _label_check(label, num_classes):
    def wrong():
        wide = tf.cast(label, "int32")
        bad = ((wide < 0) | (wide >= num_classes)) & ~tf.equal(wide, VOID)
        return tf.unique(tf.boolean_mask(wide, bad)).y

    # In the mask's own type, which is a byte: four times as fast.
    top = np.minimum(num_classes, label.dtype.max).astype(label.dtype.as_numpy_dtype)
    void = tf.constant(VOID, label.dtype)
    fine = tf.reduce_all(((label >= 0) & (label < top)) | tf.equal(label, void))
    message = f"`label` must be 0..{num_classes - 1} or {VOID} (void). Received:"
    return fine, message, lambda: (wrong(),)
