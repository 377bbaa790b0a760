"""Cloning the graph of a plain network with private norms and a strategy's operations."""

import keras

from keras_asym.fusion.strategy import NORMALIZATIONS
from keras_asym.layers import (
    ChannelExchange,
    ModalityBatchNormalization,
    ModalityInstanceNormalization,
)


def rebuild(model, inputs, layer_of, call):
    """Runs the graph of a functional model on other symbolic inputs, layer by layer.

    What `keras.models.clone_model` does, without the model around it: the result becomes part of a
    larger flat graph.

    Args:
        model: Functional `keras.Model`.
        inputs: Symbolic inputs in the structure of the model's.
        layer_of: Function from a layer to the one that takes its place; asked once for each.
        call: Function of the new layer, its arguments and keyword arguments.

    Returns:
        Symbolic outputs in the structure of the model's.
    """
    places = {}

    def place_of(layer):
        if id(layer) not in places:
            places[id(layer)] = layer_of(layer)
        return places[id(layer)]

    outputs = model._run_through_graph(inputs, operation_fn=place_of, call_fn=call)
    single = isinstance(outputs, list | tuple) and len(outputs) == 1
    return outputs[0] if single else outputs


def clone(
    network,
    folded,
    modalities,
    fusion,
    freeze_statistics=False,
    synchronized=None,
    instance_statistics=True,
):
    """Clones `network` onto a folded symbolic tensor, weights copied. See `to_multimodal`."""
    edits = fusion.edits(network, modalities)
    clones = {}

    def clone_layer(layer):
        if isinstance(layer, NORMALIZATIONS):
            if isinstance(layer, keras.layers.BatchNormalization):
                norm = private_batch_norm(layer, modalities, freeze_statistics, synchronized)
            else:
                norm = private_instance_norm(layer, modalities, instance_statistics)
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
        if name in edits.before:
            args = (edits.before[name](args[0]), *args[1:])
        outputs = layer(*args, **kwargs)
        if name in edits.after:
            outputs = edits.after[name](outputs)
        return outputs

    features = rebuild(network, folded, clone_layer, call_layer)
    for layer, copy in clones.items():
        _check_clone(network, copy)
        if isinstance(layer, NORMALIZATIONS):
            _copy_to_rows(layer, copy)
        elif layer.weights:
            copy.set_weights(layer.get_weights())
    return features


def private_batch_norm(layer, modalities, freeze_statistics, synchronized):
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
    return ModalityBatchNormalization(modalities, freeze_statistics=freeze_statistics, **config)


def private_instance_norm(layer, modalities, instance_statistics):
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
    return ModalityInstanceNormalization(
        modalities, instance_statistics=instance_statistics, **config
    )


def _copy_to_rows(plain, private):
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        source, target = getattr(plain, name, None), getattr(private, name, None)
        if source is not None:
            target.assign(keras.ops.broadcast_to(source, target.shape))


def check_network(network):
    """Raises `ValueError` for a network whose graph cannot be cloned as `to_multimodal` does."""
    advice = (
        "Pass a flat functional keras.Model, or rebuild the network as one with "
        "keras.Model(inputs, outputs)."
    )
    if not hasattr(network, "_run_through_graph") or isinstance(network, keras.Sequential):
        raise ValueError(
            "`network` must be a functional keras.Model: the graph of a subclassed or Sequential "
            f"model cannot be cloned. {advice} Received: {type(network).__name__} "
            f"'{getattr(network, 'name', network)}'"
        )
    if len(network.inputs) != 1 or len(network.inputs[0].shape) != 4:
        raise ValueError(
            "`network` must have one image input (batch, height, width, channels). Received: "
            f"inputs of shapes {[tuple(x.shape) for x in network.inputs]} in '{network.name}'"
        )
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            raise ValueError(
                "`network` must be flat: cloning cannot see inside the nested model "
                f"'{layer.name}'. {advice} Received: network '{network.name}'"
            )
    if not any(isinstance(x, NORMALIZATIONS) for x in network.layers):
        raise ValueError(
            "`network` must contain BatchNormalization layers, or GroupNormalization(groups=-1): "
            "they are what becomes private to each modality. Received: network "
            f"'{network.name}' without any"
        )


def _check_clone(network, layer):
    for inner in layer._flatten_layers():
        if isinstance(inner, NORMALIZATIONS):
            raise ValueError(
                f"A {type(inner).__name__} ('{inner.name}') is hidden inside the layer "
                f"'{layer.name}' of network '{network.name}', where it cannot be made private. "
                "Build the network from plain Keras layers."
            )
