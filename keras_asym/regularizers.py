"""Penalties on the gammas of private normalizations."""

import keras
from keras import ops


def channel_shares(modalities, channels):
    """Boolean `(modalities, channels)`: which channels are each modality's own share.

    The shares are disjoint, in order and cover all channels: with two modalities the first half
    belongs to modality 0, the second half to modality 1 (CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 4).
    """
    channel = ops.arange(channels)
    start = ops.reshape(ops.arange(modalities) * channels // modalities, (-1, 1))
    end = ops.reshape((ops.arange(modalities) + 1) * channels // modalities, (-1, 1))
    return ops.logical_and(channel >= start, channel < end)


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityShareL1(keras.regularizers.Regularizer):
    """L1 penalty on modality m's own share of the channels of gamma.

    `l1 * sum over m, c in share(m) of |gamma[m, c]|`. As the shares are disjoint, two modalities
    are never driven to give up the same channel (CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 4).

    Args:
        l1: Weight of the penalty. The published segmentation runs add 2e-4 once for each of the
            M + 1 outputs, so that 6e-4 acted for two modalities.

    Raises:
        ValueError: If `l1` is negative, or what is penalized is not `(modalities, channels)`.

    Example:

    >>> round(float(keras_asym.regularizers.ModalityShareL1(0.1)(keras.ops.ones((2, 4)))), 3)
    0.4
    """

    def __init__(self, l1=6e-4):
        if not l1 >= 0:
            raise ValueError(f"`l1` must not be negative. Received: l1={l1}")
        self.l1 = float(l1)

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ValueError(
                "ModalityShareL1 is for gammas of shape (modalities, channels). "
                f"Received: shape={tuple(x.shape)}"
            )
        share = ops.cast(channel_shares(*x.shape), x.dtype)
        return self.l1 * ops.sum(ops.abs(x) * share)

    def get_config(self):
        return {"l1": self.l1}


@keras.saving.register_keras_serializable(package="keras_asym")
class EachModality(keras.regularizers.Regularizer, keras.constraints.Constraint):
    """A regularizer or constraint of a plain weight, on each modality's row of a private one.

    A plain gamma has one axis and a private one two: what counts along an axis (`MaxNorm`,
    `UnitNorm`) would mean something else on the whole.

    Args:
        of_one: The regularizer or constraint of the plain weight.

    Example:

    >>> constraint = keras_asym.regularizers.EachModality(keras.constraints.MaxNorm(1.0))
    >>> rows = constraint(keras.ops.array([[2.0, 0.0], [0.5, 0.0]]))
    >>> keras.ops.convert_to_numpy(rows).round(3).tolist()
    [[1.0, 0.0], [0.5, 0.0]]
    """

    def __init__(self, of_one):
        self.of_one = of_one

    def __call__(self, weight):
        weight = ops.convert_to_tensor(weight)
        rows = [self.of_one(row) for row in ops.unstack(weight, num=weight.shape[0])]
        if isinstance(self.of_one, keras.constraints.Constraint):
            return ops.stack(rows)
        return sum(rows)

    def get_config(self):
        return {"of_one": keras.saving.serialize_keras_object(self.of_one)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["of_one"]))
