from keras import ops

from keras_asym.ops.fold import any_other, beside, mean_of_others, merge_axis, split_axis


def exchange_channels(inputs, keep, presence=None):
    """Replaces channels by the mean of the same channel in the other modalities.

    `y[m, c] = x[m, c]` where `keep[m, c]`, else `1 / (M - 1) * sum over m' != m of x[m', c]`
    (CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 6). The mean is taken over the
    modalities that are present; where there is no other one, a modality keeps its own.

    Args:
        inputs: Folded tensor `(batch * modalities, ..., channels)`.
        keep: Boolean tensor `(modalities, channels)`. With one modality nothing is exchanged.
        presence: Boolean tensor `(batch, modalities)`; `None` for all.

    Returns:
        Tensor of the shape of `inputs`.
    """
    modalities, channels = keep.shape
    if modalities == 1:
        return inputs
    x = split_axis(inputs, modalities)
    keep = ops.reshape(keep, (modalities, *(1,) * (len(x.shape) - 3), channels))
    if presence is not None:
        keep = ops.logical_or(keep, beside(ops.logical_not(any_other(presence)), x))
    return merge_axis(ops.where(keep, x, mean_of_others(x, presence)))
