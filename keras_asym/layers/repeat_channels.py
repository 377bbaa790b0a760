import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class RepeatChannels(keras.layers.Layer):
    """Repeats the channels of a modality, in order, until they fill the network's stem.

    One depth channel becomes three equal ones, as in the papers; two channels become (0, 1, 0).

    Args:
        channels: Number of output channels, at least that of the input.

    Input shape:
        `(batch, height, width, input_channels)`.

    Output shape:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: If the input has more channels than that.

    Example:

    >>> keras_asym.layers.RepeatChannels(3)(keras.ops.ones((1, 4, 4, 1))).shape
    (1, 4, 4, 3)
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] > self.channels:
            raise ValueError(
                f"`channels` must be at least the input's. Received: channels={self.channels}, "
                f"input_shape={tuple(input_shape)}"
            )

    def call(self, inputs):
        repeats, rest = divmod(self.channels, inputs.shape[-1])
        parts = [inputs] * repeats + ([inputs[..., :rest]] if rest else [])
        return ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}
