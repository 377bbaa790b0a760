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
    group = kept_channels(inputs.shape[-1]) // 4
    *groups, rest = ops.split(inputs, [group, 2 * group, 3 * group, 4 * group], axis=-1)
    pieces = []
    for piece, (row, column) in zip(groups, OFFSETS, strict=True):
        if reverse:
            row, column = -row, -column
        pieces.append(_read(piece, row, column))
    return ops.concatenate([*pieces, ops.zeros_like(rest)], axis=-1)


def _read(inputs, row, column):
    """What each pixel reads so many rows below and columns to the right of it; zero outside."""
    rows, columns = (slice(max(step, 0), min(step, 0) or None) for step in (row, column))
    zeros = ((max(-step, 0), max(step, 0)) for step in (row, column))
    return ops.pad(inputs[:, rows, columns], ((0, 0), *zeros, (0, 0)))
