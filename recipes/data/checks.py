"""Checks of what enters a pipeline: once where static, otherwise at each example.

A *source* is a `tf.data.Dataset` of `dict`s, or any sequence of them (a `tfds.data_source`, a list,
`array_source.ArraySource`): an image `(height, width, channels)` for each modality as it is
stored, and optionally a string `"id"` which error messages then name.
"""

VOID = 255
"""Label of pixels without a class: padding, and what the annotators left out."""


def check_source(source, channels):
    """Raises `ValueError` if a `tf.data.Dataset` does not have the configured images.

    Args:
        source: see the module's docstring.
        channels: `dict` from the name of an image to its number of stored channels.

    Returns:
        The number of examples.
    """
    spec = source.element_spec
    if not isinstance(spec, dict):
        raise ValueError(
            "`source` must be a data set of dicts with one entry for each image. "
            f"Received: elements {spec}"
        )
    check_entries({name: entry.shape for name, entry in spec.items()}, channels)
    if "label" in channels and not spec["label"].dtype.is_integer:
        raise ValueError(
            f"`source['label']` must hold integer class ids. Received: {spec['label'].dtype.name}"
        )
    return num_examples(source)


def check_entries(shapes, channels, where="`source`"):
    """Raises `ValueError` where images are missing or have other channels than configured.

    Args:
        shapes: `dict` from the name of an entry to its shape, in which sizes may be None.
        channels: `dict` from the name of an image to its number of stored channels.
        where: what the error messages call it.
    """
    missing = [name for name in channels if name not in shapes]
    if missing:
        raise ValueError(
            f"{where} must have the entries {missing}, which the config asks for. "
            f"Received: entries {sorted(shapes)}"
        )
    for name, number in channels.items():
        shape = shapes[name]
        if len(shape) != 3 or shape[2] not in (number, None):
            raise ValueError(
                f"{where}['{name}'] must be (height, width, {number}); the channels are set in the "
                f"config. Received: shape {tuple(shape)}"
            )


def num_examples(source):
    """Number of examples of a source; `ValueError` if it is zero or unknown."""
    count = int(source.cardinality()) if hasattr(source, "cardinality") else len(source)
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


def steps_per_epoch(source, batch_size):
    """Full batches in one pass over `source`, at least 1."""
    return max(1, num_examples(source) // batch_size)


def check_batch_size(batch_size):
    """Raises `ValueError` unless a batch holds an example."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")


def check_images(example, specs, reference, name, ops):
    """Stops the pipeline at an example whose images do not fit; the error names it.

    Args:
        example: `dict` with an image for each spec and for `reference`.
        specs: `dict` from name to spec, see `specs.check_specs`.
        reference: name of the image whose size the others must have.
        name: the example's name in messages.
        ops: module of array functions.

    Returns:
        `example` with just these images.
    """
    size = ops.extent(example[reference])
    checks = []
    for key, spec in specs.items():
        image = example[key]
        extent = ops.extent(image)
        message = f"`{key}` must have pixels: it is missing. Received:"
        checks.append(ops.require(ops.all(extent > 0), name, message, extent))
        message = f"`{key}` and `{reference}` must have the same height and width. Received:"
        checks.append(ops.require(ops.all(ops.equal(extent, size)), name, message, extent, size))
        if ops.is_floating(image) and spec.get("invalid") is None:
            broken = ops.count(~ops.isfinite(image))
            message = (
                f"`{key}` must be finite (write holes as 0, or set `invalid` in its spec, which "
                "takes NaN and Inf for holes as well). Values NaN or Inf:"
            )
            checks.append(ops.require(ops.equal(broken, 0), name, message, broken))
    return ops.after(checks, {key: example[key] for key in dict.fromkeys((*specs, reference))})


def check_label(example, num_classes, name, ops):
    """Stops the pipeline at a mask with other labels than 0..num_classes-1 and 255 (void)."""
    label = ops.cast(example["label"], "int32")
    wrong = ((label < 0) | (label >= num_classes)) & ~ops.equal(label, VOID)
    message = f"`label` must be 0..{num_classes - 1} or {VOID} (void). Received:"
    check = ops.require(~ops.any(wrong), name, message, ops.distinct(label, wrong))
    return ops.after([check], example)


def example_name(example, index, ops):
    """What error messages call an example: its `"id"`, or else its number."""
    return example["id"] if "id" in example else ops.as_string(index)
