import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_asym")
class AdaptiveAveragePool(keras.layers.Layer):
    """Averages of an image's parts: `size` times `size` of them, whatever the image's size is.

    Part i of n covers the pixels from `floor(i * height / n)` up to `ceil((i + 1) * height / n)`,
    so that parts may share a row of pixels; as PyTorch's adaptive pooling and
    `keras.layers.AdaptiveAveragePooling2D`, which need to know height and width beforehand. It is
    what the pyramid pooling of PSPNet is made of (Zhao et al. 2016,
    [arXiv 1612.01105](https://arxiv.org/abs/1612.01105)).

    Args:
        size: Number of parts of the height, and of the width.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, size, size, channels)`.

    Raises:
        ValueError: If `size` is not a positive integer.

    Example:

    >>> keras_asym.layers.AdaptiveAveragePool(3)(keras.ops.ones((2, 11, 17, 5))).shape
    (2, 3, 3, 5)
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"`size` must be a positive integer. Received: size={size!r}")
        self.size = size

    def call(self, inputs):
        batch, height, width, channels = ops.shape(inputs)
        # Two products with small matrices: they compile and export with unknown sizes.
        x = ops.reshape(inputs, (-1, width, channels))
        x = ops.matmul(self._shares(width), x)
        x = ops.reshape(x, (batch, height, self.size * channels))
        x = ops.matmul(self._shares(height), x)
        return ops.reshape(x, (batch, self.size, self.size, channels))

    def _shares(self, pixels):
        """`(size, pixels)`: the share of each pixel in the average of each part."""
        pixel = ops.cast(ops.arange(pixels), "float32")
        part = ops.expand_dims(ops.arange(self.size, dtype="float32"), 1)
        pixels = ops.cast(pixels, "float32")
        # pixel >= floor(part * pixels / size) and pixel < ceil((part + 1) * pixels / size), without
        # a division
        begun = (pixel + 1) * self.size > part * pixels
        ended = pixel * self.size >= (part + 1) * pixels
        inside = ops.cast(ops.logical_and(begun, ops.logical_not(ended)), "float32")
        shares = inside / ops.sum(inside, axis=1, keepdims=True)
        return ops.cast(shares, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.size, self.size, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size}
