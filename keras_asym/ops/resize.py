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
    """Bicubic resizing (half-pixel centres) of `(batch, height, width, channels)` tensors."""
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
    weights = kernel(ops.abs(ops.expand_dims(position, 1) - pixels))
    # Beyond the border the weights that are left are scaled up.
    return ops.cast(weights / ops.sum(weights, axis=1, keepdims=True), dtype)


def _linear(distance):
    return ops.relu(1 - distance)


def _cubic(distance):
    """Keys' kernel with a = -0.5."""
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return ops.where(distance < 1, near, ops.where(distance < 2, far, 0.0))
