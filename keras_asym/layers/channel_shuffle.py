import keras

from keras_asym.layers.modality_layer import ModalityLayer, checked_receivers
from keras_asym.ops import shuffle_channels


@keras.saving.register_keras_serializable(package="keras_asym")
class ChannelShuffle(ModalityLayer):
    """Swaps the last fifth of the channels between modalities, without parameters.

    Channels `[0, k)` stay, channels `[k, C)` come from the next modality in cyclic order, with
    `k = 4 * (C // 5)` (AsymFusion, [arXiv 2108.05009](https://arxiv.org/abs/2108.05009)).

    Args:
        modalities: Number of modalities M. With one the layer is the identity.
        receivers: Indices of the modalities whose channels come from the next one; the others keep
            theirs. `None` for all.

    Call arguments:
        inputs: Folded tensor.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            "Next" is the next one that is present.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `receivers` are not indices of modalities.

    Example:

    >>> keras_asym.layers.ChannelShuffle(2)(keras.ops.ones((4, 8, 8, 10))).shape
    (4, 8, 8, 10)
    """

    def __init__(self, modalities, receivers=None, **kwargs):
        super().__init__(modalities, **kwargs)
        self.receivers = checked_receivers(receivers, self)

    def call(self, inputs, presence=None):
        shuffled = shuffle_channels(inputs, self.count, presence)
        return self.only_receivers(shuffled, inputs, self.receivers)

    def get_config(self):
        return {**super().get_config(), "receivers": self.receivers}
