"""Cloning a plain network with private norms and a strategy's operations."""

import keras

from keras_asym.fusion.graph import check_copy, check_edits, rebuild
from keras_asym.fusion.strategy import NORMALIZATIONS
from keras_asym.layers import (
    ChannelExchange,
    ModalityBatchNormalization,
    ModalityInstanceNormalization,
)


def clone(
    network,
    folded,
    count,
    fusion,
    freeze_statistics=False,
    synchronized=None,
    instance_statistics=True,
):
    """Clones `network` onto a tensor of `count` folded modalities, weights copied.

    The other arguments are those of `to_multimodal`.
    """
    edits = fusion.edits(network, count)
    check_edits(network, edits)
    clones, inputs_of_sites = {}, {}
    firsts = {edits.site_of(name) for name in edits.after}

    def clone_layer(layer):
        if isinstance(layer, NORMALIZATIONS):
            if isinstance(layer, keras.layers.BatchNormalization):
                norm = private_batch_norm(layer, count, freeze_statistics, synchronized)
            else:
                norm = private_instance_norm(layer, count, instance_statistics)
            clones[layer] = norm
            edit = edits.normalization.get(layer.name)
            return norm if edit is None else edit(norm)
        if isinstance(layer, keras.layers.Layer):
            clones[layer] = layer.__class__.from_config(layer.get_config())
            return clones[layer]
        return layer  # an operation without state

    def call_layer(layer, *args, **kwargs):
        kwargs.pop("mask", None)
        name = layer.layer.name if isinstance(layer, ChannelExchange) else layer.name
        if name in firsts:
            inputs_of_sites[name] = args[0]
        if name in edits.before:
            args = (edits.before[name](args[0]), *args[1:])
        outputs = layer(*args, **kwargs)
        if name in edits.after:
            outputs = edits.after[name](outputs, inputs_of_sites[edits.site_of(name)])
        return outputs

    features = rebuild(network, folded, clone_layer, call_layer)
    for layer, copy in clones.items():
        check_copy(network, copy)
        if isinstance(layer, NORMALIZATIONS):
            _copy_to_rows(layer, copy)
        elif layer.weights:
            copy.set_weights(layer.get_weights())
    return features


def private_batch_norm(layer, count, freeze_statistics, synchronized):
    """The `ModalityBatchNormalization` with the settings of a plain BatchNormalization."""
    if layer.renorm:
        raise ValueError(
            f"Layer '{layer.name}' uses batch renormalization, which has no private counterpart. "
            "Build the network with renorm=False."
        )
    ndim = layer.input_spec.ndim
    if layer.axis not in (-1, ndim - 1):
        raise ValueError(
            f"Layer '{layer.name}' normalizes axis {layer.axis}; channels must be the last axis. "
            'Build the network with data_format="channels_last".'
        )
    config = layer.get_config()
    for key in ("axis", "renorm", "renorm_clipping", "renorm_momentum"):
        config.pop(key)
    if synchronized is not None:
        config["synchronized"] = synchronized
    return ModalityBatchNormalization(count, freeze_statistics=freeze_statistics, **config)


def private_instance_norm(layer, count, instance_statistics):
    """The `ModalityInstanceNormalization` with the settings of a plain GroupNormalization."""
    channels = layer.input.shape[-1]
    if layer.groups not in (-1, channels) or layer.axis not in (-1, 3):
        raise ValueError(
            f"Layer '{layer.name}' normalizes {layer.groups} groups of the {channels} channels; "
            "of the group normalizations only the one of each channel alone, over height and "
            "width, has a private counterpart. Build the network with "
            "GroupNormalization(groups=-1, axis=-1)."
        )
    config = layer.get_config()
    for key in ("axis", "groups"):
        config.pop(key)
    return ModalityInstanceNormalization(count, instance_statistics=instance_statistics, **config)


def _copy_to_rows(plain, private):
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        source, target = getattr(plain, name, None), getattr(private, name, None)
        if source is not None:
            target.assign(keras.ops.broadcast_to(source, target.shape))
