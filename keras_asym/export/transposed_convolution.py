"""Transposed convolutions as convolutions, for a graph whose kernels are constants.

The one layer that the export computes in another way than Keras does, for what it gains; see
`docs/serving.md`.
"""

import contextlib

import keras
import tensorflow as tf

_CALL = keras.layers.Conv2DTranspose.call


@contextlib.contextmanager
def as_convolutions():
    """A scope in which `Conv2DTranspose` layers that are called run as convolutions."""
    keras.layers.Conv2DTranspose.call = _call
    try:
        yield
    finally:
        keras.layers.Conv2DTranspose.call = _CALL


def _call(layer, inputs):
    """With stride `s` and a kernel of `t * s`, each of the `s * s` pixels that an input pixel
    becomes sees `t * t` input pixels: a `t x t` kernel for each of them, whose outputs are the
    channels of one convolution, with no product more than before."""
    stride, size = layer.strides[0], layer.kernel_size[0]
    taps, rest = divmod(size, stride)
    settings = layer.data_format, layer.padding, layer.dilation_rate, layer.output_padding
    usual = settings == ("channels_last", "same", (1, 1), None)
    square = layer.kernel_size == (size, size) and layer.strides == (stride, stride)
    if not usual or not square or rest or taps == 0:
        return _CALL(layer, inputs)
    kernel = keras.ops.convert_to_tensor(layer.kernel)
    filters, channels = kernel.shape[2:]
    kernel = tf.reshape(kernel, (taps, stride, taps, stride, filters, channels))
    kernel = tf.reverse(tf.reverse(kernel, (0,)), (2,))  # OpenVINO knows one axis at a time
    kernel = tf.transpose(kernel, (0, 2, 5, 1, 3, 4))
    kernel = tf.reshape(kernel, (taps, taps, channels, stride * stride * filters))
    height, width = tf.unstack(stride * tf.shape(inputs)[1:3])
    edge = (taps - 1, taps - 1)
    x = tf.nn.conv2d(inputs, kernel, 1, ((0, 0), edge, edge, (0, 0)))
    x = tf.nn.depth_to_space(x, stride) if stride > 1 else x
    start = (taps - 1) * stride // 2  # what "same" cuts off in front
    x = x[:, start : start + height, start : start + width]
    x = tf.nn.bias_add(x, layer.bias) if layer.use_bias else x
    return layer.activation(x)
