"""Requests of which any sensor may be absent: who is there, and images of one size for all.

TF Serving asks for every input of a signature that has no default. What is absent has a form in
each: an image of no pixel, an empty string in the place of a file, false in `present`; and all
three have a default, so that a server that knows of defaults takes a request without them.
"""

import tensorflow as tf

from keras_asym.export.encoded_images import decode_images
from keras_asym.export.image_checks import require, shape_of_input

PRESENT = "present"
SENSORS_USED = "sensors_used"


def whole_images(images, channels):
    """Images of which some may be absent from the whole request, all of one shape.

    Args:
        images: Dictionary of `(batch, height, width, channels)` tensors by modality name; those
            that are absent hold no value: `(0, 0, 0, channels)`.
        channels: Dictionary of the number of channels.

    Returns:
        Dictionary of images, zeros in the place of absent ones; and boolean `(modalities,)`, which
        are there.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if none is there.
    """
    # Only checks look at these shapes: ONNX, which has no checks, knows no such operation.
    shapes = [shape_of_input(image) for image in images.values()]
    ranks = [
        require(
            (tf.size(shape) == 4) & tf.reduce_all(shape[-1:] == channels[name]),
            f"`{name}` must have the shape (batch, height, width, {channels[name]}), or (0, 0, 0, "
            f"{channels[name]}) where it is absent. Received: shape",
            shape,
        )
        for name, shape in zip(images, shapes, strict=True)
    ]
    with tf.control_dependencies(ranks):
        shapes = tf.stack([tf.shape(image)[:3] for image in images.values()])
    there = tf.reduce_all(shapes > 0, axis=1)
    some = require(
        tf.reduce_any(there),
        f"The request must hold images of at least one of {list(images)}. Received: shapes",
        shapes,
    )
    with tf.control_dependencies([some]):
        full = tf.reduce_max(tf.where(there[:, None], shapes, 0), axis=0)
    found = {}
    for index, (name, image) in enumerate(images.items()):
        missing = tf.where(there[index], 0, full - shapes[index])
        paddings = tf.stack([tf.zeros_like(full), missing], axis=1)
        found[name] = tf.pad(image, tf.concat([paddings, [[0, 0]]], axis=0))
        found[name].set_shape((None, None, None, channels[name]))  # as was checked
    return found, there


def presence_of_request(present, there, batch, names):
    """Which sensors each example has: what the client says, and what it has sent.

    Args:
        present: Boolean `(batch, modalities)`, or `(0, modalities)`: all that were sent.
        there: Boolean `(modalities,)`: whose images were sent.
        batch: Number of examples.
        names: Names of the modalities.

    Returns:
        Boolean `(batch, modalities)`.
    """
    shape = shape_of_input(present)
    fits = require(
        (tf.size(shape) == 2) & tf.reduce_all(shape[-1:] == len(names)),
        f"`{PRESENT}` must have the shape (batch, {len(names)}), a column for each of "
        f"{list(names)}. Received: shape",
        shape,
    )
    with tf.control_dependencies([fits]):
        rows, present = tf.shape(present)[0], tf.identity(present)
    checks = [
        require(
            (rows == 0) | (rows == batch),
            f"`{PRESENT}` must have a row for each example, or none where all have what was sent. "
            "Received: rows and examples",
            tf.stack([rows, batch]),
        ),
        require(
            tf.reduce_all(there | ~tf.reduce_any(present, axis=0)),
            f"`{PRESENT}` must be false where there is no image. Received: whether there are any "
            f"of {list(names)}",
            there,
        ),
    ]
    with tf.control_dependencies(checks):
        said = tf.pad(present, [[0, tf.where(rows == 0, batch, 0)], [0, 0]], constant_values=False)
    return tf.where(rows == 0, there[None], said & there[None])


def used_sensors(presence, images, is_absent, names):
    """`presence` without frames that show nothing, where `is_absent` says which these are.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if an example is left with no sensor.
    """
    if is_absent is not None:
        empty = [is_absent(name, images[name]) for name in names]
        presence = presence & ~tf.stack(empty, axis=1)
    why = " whose frame is not empty" if is_absent is not None else ""
    some = require(
        tf.reduce_all(tf.reduce_any(presence, axis=1)),
        f"Each example must have at least one sensor of {list(names)}{why}. Received: examples "
        "without any",
        tf.where(~tf.reduce_any(presence, axis=1))[:, 0],
    )
    with tf.control_dependencies([some]):
        return tf.identity(presence)


def files_of_request(files, names):
    """The files by modality name, as many of each: empty strings where a list has none at all.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if the numbers differ.
    """
    sizes = tf.stack([tf.size(files[name]) for name in names])
    batch = tf.reduce_max(sizes)
    same = require(
        tf.reduce_all((sizes == 0) | (sizes == batch)),
        f"The lists {list(names)} must be of one length, with an empty string where an example "
        "lacks a sensor, or empty. Received: lengths",
        sizes,
    )
    with tf.control_dependencies([same]):
        found = {}
        for index, name in enumerate(names):
            missing = tf.where(sizes[index] == 0, batch, 0)
            flat = tf.reshape(files[name], (-1,))
            found[name] = tf.concat([flat, tf.fill([missing], "")], axis=0)
        return found


def decode_present(name, files, channels, dtype, max_pixels, max_request_pixels):
    """Decodes files of which some are empty strings: absent.

    Returns:
        Images `(batch, height, width, channels)`, in which an absent one is a copy of another; no
        value where all are absent. And boolean `(batch,)`, which are there.
    """
    there = tf.strings.length(files) > 0

    def decode():
        first = tf.gather(files, tf.argmax(tf.cast(there, "int32")))
        filled = tf.where(there, files, first)
        return decode_images(name, filled, channels, dtype, max_pixels, max_request_pixels)

    images = tf.cond(
        tf.reduce_any(there), decode, lambda: tf.zeros((0, 0, 0, channels), tf.as_dtype(dtype))
    )
    return tf.ensure_shape(images, (None, None, None, channels)), there
