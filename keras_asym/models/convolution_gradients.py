"""Gradients of convolutions on CPUs with TensorFlow, in less time.

TensorFlow computes the gradient of a convolution's input at half to nine tenths of the rate of a
convolution on CPUs. With stride 1 it is a convolution: of the upstream gradient, with the kernel
turned around and its channels swapped. That of a 1x1 kernel is a product of matrices.
"""

import collections
import contextlib
import functools
import threading

import keras

from keras_asym.keras_internals import set_attribute, sublayers

_ACTIVE, _LOCK = collections.Counter(), threading.Lock()  # replicas are traced in threads


@contextlib.contextmanager
def faster_gradients(network):
    """Inside, a network's convolutions have these gradients: the same numbers but for rounding.

    It changes nothing on other backends, nor where there is a GPU or TPU.

    Args:
        network: Functional model. Its `keras.layers.Conv2D` of stride 1, without groups or
            dilation, with padding `"same"` and an odd kernel, are those that it is for.
    """
    layers = [layer for layer in sublayers(network) if _is_known(layer)] if _pays() else []
    with _LOCK:
        for layer in layers:
            if not _ACTIVE[layer]:
                set_attribute(layer, "convolution_op", _convolution)
            _ACTIVE[layer] += 1
    try:
        yield
    finally:
        with _LOCK:
            for layer in layers:
                _ACTIVE[layer] -= 1
                if not _ACTIVE[layer]:
                    del _ACTIVE[layer], layer.convolution_op


def _pays():
    """Whether the backend is TensorFlow, on a machine with nothing but CPUs."""
    if keras.backend.backend() != "tensorflow":
        return False
    return all(device.device_type == "CPU" for device in _tensorflow().config.get_visible_devices())


def _is_known(layer):
    if type(layer) is not keras.layers.Conv2D:
        return False
    odd = all(size % 2 for size in layer.kernel_size)
    same = layer.padding == "same" or layer.kernel_size == (1, 1)
    ones = (*layer.strides, *layer.dilation_rate, layer.groups) == (1, 1, 1, 1, 1)
    return odd and same and ones and layer.data_format == "channels_last"


def _convolution(x, kernel):
    tf = _tensorflow()
    return _with_gradient()(tf.convert_to_tensor(x), tf.convert_to_tensor(kernel))


@functools.cache
def _with_gradient():
    tf = _tensorflow()

    @tf.custom_gradient
    def convolution(x, kernel):
        height, width, channels, filters = kernel.shape

        def gradient(upstream):
            turned = tf.transpose(tf.reverse(kernel, [0, 1]), (0, 1, 3, 2))
            of_x = tf.nn.conv2d(upstream, turned, 1, "SAME")
            if (height, width) == (1, 1):
                rows = tf.reshape(x, (-1, channels)), tf.reshape(upstream, (-1, filters))
                return of_x, tf.matmul(*rows, transpose_a=True)[None, None]
            return of_x, tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=kernel.shape,
                out_backprop=upstream,
                strides=[1] * 4,
                padding="SAME",
            )

        return tf.nn.conv2d(x, kernel, 1, "SAME"), gradient

    return convolution


def _tensorflow():
    import tensorflow as tf

    return tf
