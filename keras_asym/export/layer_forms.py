"""How each layer of a trained multimodal network runs in the inference form.

Kernels are constants, because TensorFlow brings a constant into its own order once and a variable's
value in each run; the modalities stand side by side, because what is private to one is then a plain
scale and offset. Transposed convolutions run as convolutions, whose kernels can be constants too.
What each of these gains, and what was left out because it gains nothing, stands in
`docs/serving.md`.
"""

import keras
import tensorflow as tf

from keras_asym.export.branches import Branches, constant
from keras_asym.export.kernels import constant_kernel, variable_kernel
from keras_asym.layers import (
    ChannelExchange,
    ChannelShuffle,
    FoldModalities,
    ModalityBatchNormalization,
    ModalityEnsemble,
    ModalityInstanceNormalization,
    PixelShift,
    UnfoldModalities,
)
from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import kept_channels, shift_pixels


def run_layer(
    layer, *args, present=None, mask=None, training=None, kernel_of=constant_kernel, **kwargs
):
    """Runs one layer for inference.

    Args:
        layer: Layer of a network that `to_multimodal` has made.
        *args, **kwargs: What the network's graph calls it on, with `Branches` for folded tensors.
        present: The modalities that are there, as in the graph.
        mask, training: Not used.
        kernel_of: What gives the kernel of a convolution; see `keras_asym.export.kernels`.

    Returns:
        Its outputs, `Branches` for folded tensors.
    """
    if isinstance(layer, ModalityLayer | ChannelExchange | FoldModalities):
        return _FORMS[type(layer)](layer, *args, present=present, **kwargs)
    branches = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, Branches)]
    if not branches:
        return layer(*args, **kwargs)  # in front of the fold
    call = _CONVOLUTIONS.get(type(layer), _plain)(layer, kernel_of)
    outputs = []
    for index in range(len(branches[0])):
        own_args, own_kwargs = keras.tree.map_structure(
            lambda x, index=index: x.tensors[index] if isinstance(x, Branches) else x,
            (args, kwargs),
        )
        outputs.append(call(*own_args, **own_kwargs))
    return keras.tree.map_structure(lambda *tensors: Branches(tensors), *outputs)


def _fold(layer, images, present):
    return Branches(images[name] for name in layer.names)


def _unfold(layer, x, present):
    return x.tensors


def _batch_normalization(layer, x, present):
    return _scaled(layer, x, present, layer.moving_mean, layer.moving_variance)


def _instance_normalization(layer, x, present):
    if not layer.instance_statistics:
        return _scaled(layer, x, present, layer.moving_mean, layer.moving_variance)
    outputs = []
    for row, tensor in zip(layer.rows(present), x.tensors, strict=True):
        mean = _spatial_mean(tensor)
        variance = _spatial_mean(tf.square(tensor - mean))
        scale, offset = layer.scale_and_offset(mean, variance, (row,), (1, 1, 1, -1))
        outputs.append(tensor * scale + offset)
    return Branches(outputs)


def _spatial_mean(x):
    # One axis after the other: a runtime that adds up all pixels one by one loses digits.
    return tf.reduce_mean(tf.reduce_mean(x, axis=2, keepdims=True), axis=1, keepdims=True)


def _scaled(layer, x, present, mean, variance):
    """Statistics, gamma and beta as one scale and offset for each modality and channel."""

    def fixed():
        rows = layer.pick(mean, present), layer.pick(variance, present)
        return layer.scale_and_offset(*rows, present, rows[0].shape)

    scale, offset = constant(fixed)
    return Branches(t * scale[i] + offset[i] for i, t in enumerate(x.tensors))


def _channel_exchange(layer, x, present):
    x = _FORMS[type(layer.layer)](layer.layer, x, present)
    if len(x) == 1:
        return x
    keep = constant(lambda: layer.layer.pick(layer.keep_mask(), present))
    outputs = []
    for index, tensor in enumerate(x.tensors):
        others = [t for i, t in enumerate(x.tensors) if i != index]
        mean = others[0] if len(others) == 1 else tf.add_n(others) / len(others)
        outputs.append(tensor if keep[index].all() else tf.where(keep[index], tensor, mean))
    return Branches(outputs)


def _channel_shuffle(layer, x, present):
    if len(x) == 1:
        return x
    k = kept_channels(x.tensors[0].shape[-1])
    return Branches(
        tf.concat([tensor[..., :k], x.next_of(index)[..., k:]], axis=-1)
        for index, tensor in enumerate(x.tensors)
    )


def _pixel_shift(layer, x, source=None, present=None):
    if len(x) == 1:
        return x
    source = x if source is None else source
    return Branches(
        tensor + shift_pixels(source.next_of(index), layer.reverse)
        for index, tensor in enumerate(x.tensors)
    )


def _ensemble(layer, x, present):
    shares = constant(lambda: layer.weights_of(present))
    if len(x) == 1:
        return x.tensors[0]
    return tf.add_n([tensor * share for tensor, share in zip(x.tensors, shares, strict=True)])


_FORMS = {
    FoldModalities: _fold,
    UnfoldModalities: _unfold,
    ModalityBatchNormalization: _batch_normalization,
    ModalityInstanceNormalization: _instance_normalization,
    ChannelExchange: _channel_exchange,
    ChannelShuffle: _channel_shuffle,
    PixelShift: _pixel_shift,
    ModalityEnsemble: _ensemble,
}


def _plain(layer, kernel_of):
    return layer


def _convolution(layer, kernel_of):
    """A convolution. A constant kernel is brought into TensorFlow's order once, not in each run."""
    if layer.data_format != "channels_last" or layer.quantization_mode is not None:
        return layer
    kernel = kernel_of(layer.kernel)
    settings = layer.strides, layer.padding.upper(), None, layer.dilation_rate
    finish = _bias_and_activation(layer)
    return lambda x: finish(tf.nn.conv2d(x, kernel, *settings))


def _transposed_convolution(layer, kernel_of):
    """A transposed convolution as a convolution whose channels become pixels.

    With stride `s` and a kernel of `t * s`, each of the `s * s` pixels that an input pixel becomes
    sees `t * t` input pixels: a `t x t` kernel for each of them, with no product more than before.
    """
    taps, rest = divmod(layer.kernel_size[0], layer.strides[0])
    usual = (layer.data_format, layer.padding, layer.dilation_rate, layer.output_padding) == (
        "channels_last",
        "same",
        (1, 1),
        None,
    )
    square = len(set(layer.kernel_size)) == len(set(layer.strides)) == 1
    if kernel_of is variable_kernel or not usual or not square or rest or taps == 0:
        return layer
    stride = layer.strides[0]

    def arrange(kernel):
        filters, channels = kernel.shape[2:]
        kernel = tf.reshape(kernel, (taps, stride, taps, stride, filters, channels))
        kernel = tf.transpose(tf.reverse(kernel, (0, 2)), (0, 2, 5, 1, 3, 4))
        return tf.reshape(kernel, (taps, taps, channels, stride * stride * filters))

    kernel = kernel_of(layer.kernel, arrange)
    edge = (taps - 1, taps - 1)
    start = (taps - 1) * stride // 2  # what "same" cuts off in front
    finish = _bias_and_activation(layer)

    def call(x):
        height, width = tf.unstack(stride * tf.shape(x)[1:3])
        x = tf.nn.conv2d(x, kernel, 1, ((0, 0), edge, edge, (0, 0)))
        x = tf.nn.depth_to_space(x, stride) if stride > 1 else x
        return finish(x[:, start : start + height, start : start + width])

    return call


def _bias_and_activation(layer):
    bias = constant(lambda: layer.bias) if layer.use_bias else None

    def finish(x):
        # Keras adds a reshaped bias; this one is added while the convolution runs.
        x = x if bias is None else tf.nn.bias_add(x, bias)
        return layer.activation(x)

    return finish


_CONVOLUTIONS = {
    keras.layers.Conv2D: _convolution,
    keras.layers.Conv2DTranspose: _transposed_convolution,
}
