import keras
from keras import layers, ops

_SIZE = 299


@keras.saving.register_keras_serializable(package="keras_asym")
class FIDPreprocessing(layers.Layer):
    """Resizing to 299x299 and scaling as in TensorFlow's Inception graph of 2015.

    Bilinear interpolation of TensorFlow 1: output pixel i lies at `i * size / 299`, without
    half-pixel centres, aligned corners or antialiasing. Then `(x - 128) / 128`.

    Input shape:
        `(batch, height, width, channels)`, values in [0, 255].

    Output shape:
        `(batch, 299, 299, channels)`.

    Example:

    >>> keras_asym.networks.FIDPreprocessing()(keras.ops.zeros((1, 40, 57, 3))).shape
    (1, 299, 299, 3)
    """

    def call(self, inputs):
        # Gathered, not multiplied with a matrix of weights: accelerators round matrix products.
        x = _interpolate(_interpolate(inputs, axis=2), axis=1)
        return (x - 128) / 128

    def compute_output_shape(self, input_shape):
        return (input_shape[0], _SIZE, _SIZE, input_shape[-1])


def _interpolate(x, axis):
    source = ops.shape(x)[axis]
    position = ops.arange(_SIZE, dtype="float32") * (ops.cast(source, "float32") / _SIZE)
    low = ops.cast(ops.floor(position), "int32")
    high = ops.minimum(low + 1, source - 1)
    share = ops.reshape(position - ops.floor(position), (-1, *[1] * (3 - axis)))
    below, above = ops.take(x, low, axis=axis), ops.take(x, high, axis=axis)
    return below + (above - below) * ops.cast(share, x.dtype)
