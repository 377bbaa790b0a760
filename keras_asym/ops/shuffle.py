from keras import ops

from keras_asym.ops.fold import from_next, merge_axis, split_axis


def kept_channels(channels):
    """Number of channels that stay in place: four fifths, in four groups of `channels // 5`.

    AsymFusion, [arXiv 2108.05009](https://arxiv.org/abs/2108.05009): k = 4 * (C // 5).
    """
    return 4 * (channels // 5)


def shuffle_channels(inputs, modalities, presence=None):
    """Channels `[k, C)` come from the next modality, in cyclic order; `[0, k)` stay.

    Args:
        inputs: Folded tensor `(batch * modalities, ..., channels)`.
        modalities: Number of modalities M. With one the input is returned.
        presence: Boolean tensor `(batch, modalities)`; "next" is the next one that is present.
            `None` for all.

    Returns:
        Tensor of the shape of `inputs`.
    """
    if modalities == 1:
        return inputs
    k = kept_channels(inputs.shape[-1])
    kept, given = ops.split(split_axis(inputs, modalities), [k], axis=-1)
    return merge_axis(ops.concatenate([kept, from_next(given, presence)], axis=-1))
