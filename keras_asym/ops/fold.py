"""The folded layout: M modalities of B examples live in one batch axis, example-major.

`(batch, modalities, height, width, channels) -> (batch * modalities, height, width, channels)`.
Every layer that treats examples alike runs once on the folded batch; normalization and fusion
unfold the axis with a reshape, never a transpose, so that sharding over examples stays intact.
"""

from keras import ops


def fold(tensors):
    """Stacks one tensor for each modality into the folded layout.

    Args:
        tensors: List of M tensors `(batch, ...)` of equal shape.

    Returns:
        Tensor `(batch * modalities, ...)`.
    """
    if len(tensors) == 1:
        return tensors[0]
    return merge_axis(ops.stack(tensors, axis=1))


def unfold(inputs, modalities):
    """Splits a folded tensor into a list of M tensors `(batch, ...)`."""
    if modalities == 1:
        return [inputs]
    return ops.unstack(split_axis(inputs, modalities), num=modalities, axis=1)


def split_axis(inputs, modalities):
    """Views `(batch * modalities, ...)` as `(batch, modalities, ...)`."""
    shape = ops.shape(inputs)
    return ops.reshape(inputs, (-1, modalities, *shape[1:]))


def merge_axis(inputs):
    """Views `(batch, modalities, ...)` as `(batch * modalities, ...)`, undoing `split_axis`."""
    shape = ops.shape(inputs)
    return ops.reshape(inputs, (-1, *shape[2:]))


def from_next(inputs):
    """Gives each modality the tensor of the next one, in cyclic order.

    Args:
        inputs: Tensor `(batch, modalities, ...)`.
    """
    if inputs.shape[1] == 1:
        return inputs
    return ops.concatenate([inputs[:, 1:], inputs[:, :1]], axis=1)
