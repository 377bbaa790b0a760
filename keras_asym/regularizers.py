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
