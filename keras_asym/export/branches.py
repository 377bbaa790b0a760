"""The tensors of the modalities side by side: how the inference form holds a folded tensor."""

import keras
import tensorflow as tf


class Branches:
    """One tensor `(batch, height, width, channels)` for each modality, in order."""

    def __init__(self, tensors):
        self.tensors = list(tensors)

    def __len__(self):
        return len(self.tensors)

    def next_of(self, index):
        """The tensor of the next modality, in cyclic order."""
        return self.tensors[(index + 1) % len(self)]


class Convolved(Branches):
    """What a shared convolution makes of the branches, computed when it is read.

    Until then a scale and an offset can still become part of its kernel and bias.
    """

    def __init__(self, layer, inputs):
        self.layer = layer
        self.inputs = inputs
        self._tensors = None

    def __len__(self):
        return len(self.inputs)

    @property
    def tensors(self):
        if self._tensors is None:
            layer = self.layer
            kernel = layer.kernel.value
            bias = layer.bias.value if layer.use_bias else None
            self._tensors = [self._convolve(x, kernel, bias) for x in self.inputs.tensors]
        return self._tensors

    def scaled(self, scale, offset):
        """`self * scale + offset`, both arrays `(modalities, channels)`, as convolutions."""
        layer = self.layer
        kernel = constant(lambda: layer.kernel)
        if layer.use_bias:
            offset = offset + constant(lambda: layer.bias) * scale
        return Branches(
            self._convolve(x, kernel * scale[index], offset[index])
            for index, x in enumerate(self.inputs.tensors)
        )

    def _convolve(self, x, kernel, bias):
        layer = self.layer
        x = tf.nn.conv2d(
            x, kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate
        )
        # As `bias_add`, which TensorFlow runs with the convolution; Keras adds a reshaped bias.
        return x if bias is None else tf.nn.bias_add(x, bias)


def is_foldable(layer):
    """Whether `Convolved` computes what a convolution does."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.data_format == "channels_last"
        and layer.activation is keras.activations.linear
        and layer.quantization_mode is None
    )


def constant(function):
    """What a function makes of weights, as arrays; also while a graph is traced."""
    with tf.init_scope():
        return keras.tree.map_structure(keras.ops.convert_to_numpy, function())
