"""Each modality's features in a tensor of its own, for graphs that other runtimes optimize.

In the folded layout a private normalization is a product with five axes, which converters can
neither make part of the convolution in front of it nor quantize well. Side by side each modality
has its own copy of a convolution, with its own norm in it; see `docs/serving.md`.
"""

import contextlib
import functools
import operator

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_asym.export.channels import channels_of, convolved, exchanged, mapped, take, whole
from keras_asym.keras_internals import run_through_graph
from keras_asym.layers import (
    ChannelExchange,
    FoldModalities,
    ModalityBatchNormalization,
    ModalityCopies,
    ModalityEnsemble,
    ModalityLayer,
    RepeatChannels,
    SelectedModalities,
    SharedNormalization,
    UnfoldModalities,
)
from keras_asym.layers.modality_layer import only_rows
from keras_asym.ops import fold, resize, unfold

_BATCH = 7  # a batch size by which the folded axis is recognized


class _Each:
    """One tensor for each modality, or its `Channels`, where the network has a folded one."""

    def __init__(self, items):
        self.items = list(items)

    @property
    def tensors(self):
        return [whole(x) for x in self.items]


@contextlib.contextmanager
def side_by_side(network):
    """A scope in which a multimodal network computes each modality by itself, as far as it can.

    Layers that treat modalities alike run once for each; batch normalization, channel exchange and
    the ensemble are written out; every other `ModalityLayer` runs on the folded tensor as it is.
    Bilinear resizing is TensorFlow's operation, which converters know, in place of two products.

    Args:
        network: What `to_multimodal` or `select_modalities` has made. Its weights are read when it
            is called; which channels are exchanged, now.
    """
    masks = {}
    with tf.init_scope():
        for layer in network.layers:
            inner, rows = _inner(layer)
            if isinstance(inner, ChannelExchange):
                keep = keras.ops.convert_to_numpy(inner.keep_mask())
                masks[id(inner)] = keep[list(rows)]
    own_resize = resize._resize
    network.call = functools.partial(_call, network, masks)
    resize._resize = functools.partial(_resized, own_resize)
    try:
        yield
    finally:
        resize._resize = own_resize
        del network.call


def _call(network, masks, inputs, training=None, mask=None, presence=None):
    def call(layer, *args, **kwargs):
        if kwargs.get("mask", layer) is None:  # filled in by Keras
            kwargs.pop("mask")
        return _run(layer, masks, args, kwargs)

    return run_through_graph(network, inputs, lambda layer: layer, call)


def _run(layer, masks, args, kwargs):
    if isinstance(layer, RepeatChannels):
        return _repeated(layer, *args)
    if isinstance(layer, FoldModalities):
        images = args[0]
        return _Each([images[name] for name in layer.names] if layer.names else images)
    found = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, _Each)]
    if not found:
        return layer(*args, **kwargs)
    inner, rows = _inner(layer)
    if len(args) == 1 and args[0] is found[0]:
        parts = _in_parts(inner, rows, masks, found[0].items)
        if parts:
            return _Each(parts)
    each = found[0].tensors
    if not isinstance(layer, ModalityLayer):
        outputs = [layer(*_pick(args, index), **_pick(kwargs, index)) for index in range(len(each))]
        return keras.tree.map_structure(lambda *x: _Each(x), *outputs)
    if isinstance(inner, UnfoldModalities):
        return each
    if isinstance(inner, ModalityCopies):
        return _Each(inner.copies[row](x) for row, x in zip(rows, each, strict=True))
    if isinstance(inner, ModalityEnsemble) and inner.kind != "pixel":
        with only_rows(rows):
            shares = ops.unstack(inner.weights_of(), num=len(each))
        return functools.reduce(
            operator.add, (x * share for x, share in zip(each, shares, strict=True))
        )
    return _folded(layer, len(each), args, kwargs)


def _inner(layer):
    """The layer that computes, and which of its rows belongs to each modality."""
    rows = range(getattr(layer, "modalities", 0))
    while isinstance(layer, SelectedModalities):
        rows, layer = [layer.selected[row] for row in rows], layer.layer
    if isinstance(layer, SharedNormalization):
        return layer.layer, [0] * len(rows)
    return layer, rows


def _pick(values, index):
    return keras.tree.map_structure(
        lambda x: x.tensors[index] if isinstance(x, _Each) else x, values
    )


def _repeated(layer, image):
    """A convolution, which runtimes share among threads; joining tensors they do not."""
    channels = image.shape[-1]
    kernel = np.eye(channels, dtype="float32")[:, np.arange(layer.channels) % channels]
    return tf.nn.conv2d(image, kernel[None, None], 1, "VALID")


def _in_parts(inner, rows, masks, each):
    """`Channels` for each modality, or `None` where the layer needs whole tensors."""
    norm = inner.layer if isinstance(inner, ChannelExchange) else inner
    if isinstance(norm, ModalityBatchNormalization):
        each = [
            channels_of(x).map((id(norm), row), functools.partial(_normalized, norm, row))
            for row, x in zip(rows, each, strict=True)
        ]
        return each if inner is norm else exchanged(each, masks[id(inner)])
    layers = [inner] * len(each)
    if isinstance(inner, ModalityCopies):
        layers = [inner.copies[row] for row in rows]
    pairs = list(zip(layers, each, strict=True))
    for function in (convolved, mapped):
        parts = [function(layer, x) for layer, x in pairs]
        if all(parts):
            return parts
    return None


def _normalized(norm, row, x, channels):
    """What a batch normalization gives for a modality: a product that converters put into the
    kernel in front of it."""
    scale = ops.rsqrt(norm.moving_variance[row] + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma[row]
    offset = -norm.moving_mean[row] * scale
    if norm.center:
        offset = offset + norm.beta[row]
    first, *rest = (addend * take(scale, channels) for addend in x.addends(channels))
    return [first + take(offset, channels), *rest]


def _folded(layer, count, args, kwargs):
    """Any other `ModalityLayer`, on folded tensors."""

    def symbolic(x):
        if not isinstance(x, _Each):
            return x
        shape = x.tensors[0].shape
        return keras.KerasTensor((_BATCH * count, *shape[1:]), dtype=x.tensors[0].dtype.name)

    def value(x):
        return fold(x.tensors) if isinstance(x, _Each) else x

    shapes = layer.compute_output_spec(
        *keras.tree.map_structure(symbolic, args), **keras.tree.map_structure(symbolic, kwargs)
    )
    outputs = layer(
        *keras.tree.map_structure(value, args), **keras.tree.map_structure(value, kwargs)
    )
    return keras.tree.map_structure(
        lambda spec, x: _Each(unfold(x, count)) if spec.shape[0] == _BATCH * count else x,
        shapes,
        outputs,
    )


def _resized(own, inputs, size, align_corners, kernel):
    if kernel is not resize._linear or not isinstance(inputs, tf.Tensor):
        return own(inputs, size, align_corners, kernel)
    return tf.raw_ops.ResizeBilinear(
        images=inputs,
        size=tf.stack(size),
        align_corners=align_corners,
        half_pixel_centers=not align_corners,
    )
