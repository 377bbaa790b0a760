from keras import ops


def resize_bilinear(inputs, size, align_corners=False):
    """Bilinear resizing that compiles under XLA and exports with dynamic height and width.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        size: Pair of output height and width, integers or scalar tensors.
        align_corners: If `True`, the centres of the corner pixels of input and output coincide;
            otherwise pixels are areas with their centres at half coordinates.

    Returns:
        Tensor `(batch, size[0], size[1], channels)`.
    """
    return _resize(inputs, size, align_corners, _linear)


def resize_bicubic(inputs, size):
    """Bicubic resizing as OpenCV's `INTER_CUBIC`, by which the published evaluation resizes.

    Keys' kernel with a = -0.75 over the four nearest pixels, whose centres are at half coordinates;
    beyond the border the border pixels are repeated. Other libraries use a = -0.5. It compiles and
    exports as `resize_bilinear` does, and, as there, reduction does not average.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        size: Pair of output height and width, integers or scalar tensors.

    Returns:
        Tensor `(batch, size[0], size[1], channels)`.
    """
    return _resize(inputs, size, False, _cubic)


def _resize(inputs, size, align_corners, kernel):
    # Two products with small matrices, without a transposition; `ops.image.resize` does not take
    # a symbolic size and `ops.image.scale_and_translate` transposes the features four times.
    batch, height, width, channels = ops.shape(inputs)
    new_height, new_width = size
    across = _weights(width, new_width, align_corners, kernel, inputs.dtype)
    down = _weights(height, new_height, align_corners, kernel, inputs.dtype)
    x = ops.matmul(across, ops.reshape(inputs, (-1, width, channels)))
    x = ops.matmul(down, ops.reshape(x, (batch, height, new_width * channels)))
    return ops.reshape(x, (batch, new_height, new_width, channels))


def _weights(source, target, align_corners, kernel, dtype):
    """`(target, source)`: the share of each source pixel in each target pixel."""
    pixels = ops.cast(ops.arange(source), "float32")
    position = ops.cast(ops.arange(target), "float32")
    source, target = ops.cast(source, "float32"), ops.cast(target, "float32")
    if align_corners:
        position = position * ((source - 1) / ops.maximum(target - 1, 1.0))
    else:
        position = (position + 0.5) * (source / target) - 0.5
    position = ops.expand_dims(position, 1)
    nearest = ops.floor(position)
    weights = 0.0
    for tap, share in kernel(position - nearest):
        # A pixel beyond the border is the border pixel, which then counts more than once.
        pixel = ops.clip(nearest + tap, 0.0, source - 1)
        weights = weights + share * ops.cast(ops.equal(pixel, pixels), "float32")
    return ops.cast(weights, dtype)


def _linear(x):
    """Shares of pixels 0 and 1 at a position in [0, 1) between them."""
    return [(0, 1 - x), (1, x)]


def _cubic(x):
    """Shares of pixels -1 to 2 at a position in [0, 1): Keys' kernel with a = -0.75."""
    shares = [_cubic_far(1 + x), _cubic_near(x), _cubic_near(1 - x), _cubic_far(2 - x)]
    return zip((-1, 0, 1, 2), shares, strict=True)


def _cubic_near(distance):  # of at most 1: (a + 2) d^3 - (a + 3) d^2 + 1
    return (1.25 * distance - 2.25) * distance * distance + 1


def _cubic_far(distance):  # of 1 to 2: a d^3 - 5a d^2 + 8a d - 4a
    return ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
