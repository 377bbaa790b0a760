import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class PixelShuffle(keras.layers.Layer):
    """Doubles height and width by a quarter of the channels.

    Channel `4 * c + 2 * i + j` of a pixel becomes channel `c` of its part in row i and column j
    (Shi et al. 2016, [arXiv 1609.05158](https://arxiv.org/abs/1609.05158), equation 4).

    Input shape:
        `(batch, height, width, channels)`, with a multiple of 4 channels.

    Output shape:
        `(batch, 2 * height, 2 * width, channels / 4)`.

    Raises:
        ValueError: If the number of channels is not a multiple of 4.

    Example:

    >>> keras_asym.layers.PixelShuffle()(keras.ops.ones((1, 4, 6, 8))).shape
    (1, 8, 12, 2)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        if input_shape[-1] % 4:
            raise ValueError(
                "`inputs` must have a multiple of 4 channels, each of which becomes a pixel. "
                f"Received: inputs of shape {tuple(input_shape)}"
            )

    def call(self, inputs):
        batch, height, width, _ = ops.shape(inputs)
        channels = inputs.shape[-1] // 4
        x = ops.reshape(inputs, (batch, height, width, channels, 2, 2))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
        return ops.reshape(x, (batch, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        twice = (None if size is None else 2 * size for size in (height, width))
        return (batch, *twice, channels // 4)
