from keras import ops

from keras_asym.ops.shuffle import kept_channels

# The row and column that each of the four groups reads, relative to its own pixel.
OFFSETS = ((-1, 0), (0, -1), (0, 1), (1, 0))


def shift_pixels(inputs, reverse=False):
    """Shifts four groups of channels by one pixel in four directions, zeros coming in.

    With g = C // 5 (AsymFusion, [arXiv 2108.05009](https://arxiv.org/abs/2108.05009)): group 0
    reads the pixel above, group 1 the one to the left, group 2 the one to the right, group 3 the
    one below. Channels `[4 * g, C)` of the result are zero.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        reverse: Whether each group reads the opposite pixel.

    Returns:
        Tensor of the shape of `inputs`.
    """
    channels = inputs.shape[-1]
    group = kept_channels(channels) // 4
    height, width = ops.shape(inputs)[1:3]
    padded = ops.pad(inputs[..., : 4 * group], ((0, 0), (1, 1), (1, 1), (0, 0)))
    pieces = []
    for index, (row, column) in enumerate(OFFSETS):
        if reverse:
            row, column = -row, -column
        piece = padded[..., index * group : (index + 1) * group]
        pieces.append(piece[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width])
    pieces.append(ops.zeros_like(inputs[..., 4 * group :]))
    return ops.concatenate(pieces, axis=-1)
