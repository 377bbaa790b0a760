"""What a served graph asks of its images, with answers that name the input."""

import tensorflow as tf


def checked_images(images, channels, max_pixels, max_request_pixels, stride=1, shape_of=None):
    """The images behind checks of their shapes; a graph that fails one runs nothing else.

    Args:
        images: Dictionary of `(batch, height, width, channels)` tensors by modality name.
        channels: Dictionary of the number of channels.
        max_pixels: Largest height times width of an image.
        max_request_pixels: Largest height times width times number of images of a modality.
        stride: What height and width must be multiples of.
        shape_of: Function of an image that gives its shape; `shape_of_input` by default.

    Returns:
        Dictionary of the same images.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if a shape is not as it must be.
    """
    shapes = {name: (shape_of or shape_of_input)(image) for name, image in images.items()}
    ranks = [
        require(
            (tf.size(shape) == 4) & tf.reduce_all(shape[-1:] == channels[name]),
            f"`{name}` must have the shape (batch, height, width, {channels[name]}). Received: "
            "shape",
            shape,
        )
        for name, shape in shapes.items()
    ]
    with tf.control_dependencies(ranks):
        shapes = {name: tf.identity(shape) for name, shape in shapes.items()}
    checks = []
    first = next(iter(shapes))
    for name, shape in shapes.items():
        pixels = tf.reduce_prod(tf.cast(shape[:3], "int64"))
        checks += size_checks(name, shape[1], shape[2], max_pixels)
        checks.append(request_check(name, pixels, shape, max_request_pixels))
        if stride > 1:
            checks.append(
                require(
                    tf.reduce_all(shape[1:3] % stride == 0),
                    f"`{name}` must have a height and width that are multiples of {stride}: crop "
                    "or pad the images. Received: shape",
                    shape,
                )
            )
        checks += [
            require(shape[0] > 0, f"`{name}` must hold at least one image. Received: shape", shape),
            require(
                tf.reduce_all(shape[:3] == shapes[first][:3]),
                f"`{name}` must have the number, height and width of `{first}`: crop or resize "
                "them to one another. Received: shapes",
                tf.stack([shape, shapes[first]]),
            ),
        ]
    with tf.control_dependencies(checks):
        return {name: tf.identity(image) for name, image in images.items()}


def shape_of_input(tensor):
    """The shape that an input of a graph really has; a server takes any.

    Behind this operation TensorFlow does not know the declared shape, from which it would conclude
    that no check can fail.
    """
    return tf.shape(tf.raw_ops.PlaceholderWithDefault(input=tensor, shape=None))


def size_checks(name, height, width, max_pixels):
    """Operations that fail if images have no pixel, or more than `max_pixels`."""
    size = tf.stack([height, width])
    pixels = tf.cast(height, "int64") * tf.cast(width, "int64")
    return [
        require(
            tf.reduce_all(size > 0),
            f"`{name}` must have images of at least one pixel. Received: height and width",
            size,
        ),
        require(
            tf.reduce_all(pixels <= max_pixels),
            f"`{name}` must have images of at most {max_pixels} pixels: make them smaller, or "
            "export the model with a larger `max_pixels`. Received: height and width",
            size,
        ),
    ]


def request_check(name, pixels, received, max_request_pixels):
    """An operation that fails if the images of a request have more pixels in all."""
    return require(
        pixels <= max_request_pixels,
        f"`{name}` must have at most {max_request_pixels} pixels in all images of a request: send "
        "fewer images at a time, or export the model with a larger `max_request_pixels`. Received: "
        "number, height and width",
        received[:3],
    )


def require(condition, message, value):
    """An operation that fails with the message and the value unless the condition holds."""
    return tf.debugging.Assert(condition, [message, value], summarize=8)
