"""The folded layout: M modalities of B examples live in one batch axis, example-major.

`(batch, modalities, height, width, channels) -> (batch * modalities, height, width, channels)`.
Every layer that treats examples alike runs once on the folded batch; normalization and fusion
unfold the axis with a reshape, never a transpose, so that sharding over examples stays intact.

`presence` is a boolean tensor `(batch, modalities)`: which modalities an example has. `None` says
that all are there, and costs nothing.

Parts are taken by `ops.split` and `ops.unstack`, whose gradient is one concatenation. That of each
slice is a tensor of the whole size, zero but for the slice, and all of these are added.
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


def beside(presence, inputs):
    """`presence` with as many axes as `inputs` `(batch, modalities, ...)`, to select from them."""
    return ops.reshape(presence, (*ops.shape(presence), *(1,) * (len(inputs.shape) - 2)))


def only_present(inputs, presence):
    """`inputs` `(batch, modalities, ...)` with zeros where an example lacks the modality."""
    if presence is None:
        return inputs
    return ops.where(beside(presence, inputs), inputs, ops.zeros_like(inputs))


def roll(inputs, steps):
    """Gives each modality the tensor of the one that is `steps` behind it, in cyclic order."""
    return ops.concatenate(ops.split(inputs, [steps], axis=1)[::-1], axis=1)


def from_next(inputs, presence=None):
    """Gives each modality the tensor of the next one that is present, in cyclic order.

    Args:
        inputs: Tensor `(batch, modalities, ...)`.
        presence: Boolean `(batch, modalities)`; `None` for all.

    Returns:
        Tensor of the shape of `inputs`. A modality that has no other beside it gets its own.
    """
    modalities = inputs.shape[1]
    if modalities == 1:
        return inputs
    if presence is None:
        return roll(inputs, 1)
    found = inputs
    for steps in range(modalities - 1, 0, -1):  # the nearest one last
        found = ops.where(beside(roll(presence, steps), inputs), roll(inputs, steps), found)
    return found


def mean_of_others(inputs, presence=None):
    """Gives each modality the mean of the others that are present.

    Sums from the left and from the right are added: a difference from the sum of all would lose
    digits.

    Args:
        inputs: Tensor `(batch, modalities, ...)`.
        presence: Boolean `(batch, modalities)`; `None` for all.

    Returns:
        Tensor of the shape of `inputs`; zeros where there is no other modality.
    """
    modalities = inputs.shape[1]
    if presence is None:
        if modalities == 1:
            return ops.zeros_like(inputs)
        if modalities == 2:
            return roll(inputs, 1)
        return _sum_of_others(inputs) / (modalities - 1)
    share = beside(ops.cast(presence, inputs.dtype), inputs)
    total = _sum_of_others(only_present(inputs, presence))
    return total / ops.maximum(_sum_of_others(share), 1)


def any_other(presence):
    """Boolean `(batch, modalities)`: whether an example has a modality beside this one."""
    return _sum_of_others(ops.cast(presence, "int32")) > 0


def _sum_of_others(inputs):
    parts = ops.unstack(inputs, num=inputs.shape[1], axis=1)
    zero = ops.zeros_like(parts[0])
    left, right = [zero], [zero]
    for part, mirrored in zip(parts[:-1], parts[:0:-1], strict=True):
        left.append(left[-1] + part)
        right.append(right[-1] + mirrored)
    return ops.stack([a + b for a, b in zip(left, right[::-1], strict=True)], axis=1)
