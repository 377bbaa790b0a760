from keras import ops

from keras_asym.ops.fold import from_next, merge_axis, split_axis


def exchange_channels(inputs, keep):
    """Replaces channels by the mean of the same channel in the other modalities.

    `y[m, c] = x[m, c]` where `keep[m, c]`, else `1 / (M - 1) * sum over m' != m of x[m', c]`
    (CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 6).

    Args:
        inputs: Folded tensor `(batch * modalities, height, width, channels)`.
        keep: Boolean tensor `(modalities, channels)`. With one modality nothing is exchanged.

    Returns:
        Tensor of the shape of `inputs`.
    """
    modalities, channels = keep.shape
    if modalities == 1:
        return inputs
    x = split_axis(inputs, modalities)
    if modalities == 2:  # exact: no subtraction from a sum
        others = from_next(x)
    else:
        others = (ops.sum(x, axis=1, keepdims=True) - x) / (modalities - 1)
    keep = ops.reshape(keep, (modalities, *(1,) * (len(x.shape) - 3), channels))
    return merge_axis(ops.where(keep, x, others))
