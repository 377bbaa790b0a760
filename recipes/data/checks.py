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


def check_images(example, specs, reference, name, ops, num_classes=None):
    """Stops the pipeline at an example whose images do not fit; the error names it.

    Args:
        example: `dict` with an image for each spec and for `reference`.
        specs: `dict` from name to spec, see `specs.check_specs`.
        reference: name of the image whose size the others must have.
        name: the example's name in messages.
        ops: module of array functions.
        num_classes: with it, `example["label"]` must hold 0..num_classes-1 and 255 (void) alone.

    Returns:
        `example` with just these images.
    """
    checks = []
    size = ops.extent(example[reference])
    for key, spec in specs.items():
        checks += _image_checks(key, example[key], spec, reference, size, ops)
    if num_classes is not None:
        checks.append(_label_check(example["label"], num_classes, ops))
    names = dict.fromkeys((*specs, reference))
    return ops.enforce(checks, name, {key: example[key] for key in names})


def example_name(example, index, ops):
    """What error messages call an example: its `"id"`, or else its number."""
    return example["id"] if "id" in example else ops.as_string(index)


def _image_checks(key, image, spec, reference, size, ops):
    """Triples as `enforce` takes them."""
    extent = ops.extent(image)
    message = f"`{key}` must have pixels: it is missing. Received:"
    yield ops.all(extent > 0), message, lambda: (extent,)
    message = f"`{key}` and `{reference}` must have the same height and width. Received:"
    yield ops.all(ops.equal(extent, size)), message, lambda: (extent, size)
    if ops.is_floating(image) and spec.get("invalid") is None:
        message = (
            f"`{key}` must be finite (write holes as 0, or set `invalid` in its spec, which takes "
            "NaN and Inf for holes as well). Values NaN or Inf:"
        )
        yield ops.all(ops.isfinite(image)), message, lambda: (ops.count(~ops.isfinite(image)),)


def _label_check(label, num_classes, ops):
    def wrong():
        wide = ops.cast(label, "int32")
        return wide, ((wide < 0) | (wide >= num_classes)) & ~ops.equal(wide, VOID)

    # In the mask's own type, which is a byte: four times as fast.
    top = ops.constant(num_classes, label)
    fine = ops.all(((label >= 0) & (label < top)) | ops.equal(label, ops.constant(VOID, label)))
    message = f"`label` must be 0..{num_classes - 1} or {VOID} (void). Received:"
    return fine, message, lambda: (ops.distinct(*wrong()),)
