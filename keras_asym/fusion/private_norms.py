"""Cloning the graph of a plain network with private norms and a strategy's operations."""

import keras

from keras_asym.layers import ChannelExchange, ModalityBatchNormalization


def clone(network, modalities, fusion, freeze_statistics=False, synchronized=None):
    """Clones `network` for folded inputs, with weights copied. See `to_multimodal`."""
    _check(network)
    edits = fusion.edits(network, modalities)
    private = {}

    def clone_layer(layer):
        if isinstance(layer, keras.layers.BatchNormalization):
            norm = private_norm(layer, modalities, freeze_statistics, synchronized)
            private[layer.name] = norm
            edit = edits.normalization.get(layer.name)
            return norm if edit is None else edit(norm)
        if isinstance(layer, keras.layers.Layer):
            return layer.__class__.from_config(layer.get_config())
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

    core = keras.models.clone_model(network, clone_function=clone_layer, call_function=call_layer)
    _check_clone(network, core)
    for layer in network.layers:
        if layer.name in private:
            _copy_to_rows(layer, private[layer.name])
        elif layer.weights:
            core.get_layer(layer.name).set_weights(layer.get_weights())
    return core


def private_norm(layer, modalities, freeze_statistics, synchronized):
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


def _copy_to_rows(plain, private):
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        source, target = getattr(plain, name, None), getattr(private, name, None)
        if source is not None:
            target.assign(keras.ops.broadcast_to(source, target.shape))


def _check(network):
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
    if not any(isinstance(x, keras.layers.BatchNormalization) for x in network.layers):
        raise ValueError(
            "`network` must contain BatchNormalization layers: they are what becomes private to "
            f"each modality. Received: network '{network.name}' without any"
        )


def _check_clone(network, core):
    for layer in core._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            raise ValueError(
                f"A BatchNormalization ('{layer.name}') is hidden inside a layer of network "
                f"'{network.name}', where it cannot be made private. Build the network from plain "
                "Keras layers."
            )
