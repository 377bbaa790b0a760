"""Layers inside of layers: making a layer again, finding what it holds, and replacing it."""

import importlib
import json

import keras

from keras_asym.keras_internals import (
    attributes,
    constructor_arguments,
    graph_of,
    replace_sublayer,
    run_through_graph,
    set_attribute,
    sublayers,
)


def made_again(layer, **other_settings):
    """A new layer of the same class and settings, with weights of its own.

    Raises:
        ValueError: If its config does not make it.
    """
    again = type(layer).from_config({**layer.get_config(), **other_settings})
    copy_what_is_trainable(layer, again)
    return again


def copy_what_is_trainable(layer, again):
    """Freezes the layers inside of `again` that are frozen in `layer`."""
    for old, new in zip(sublayers(layer), sublayers(again), strict=False):
        if type(old) is type(new):
            new.trainable = old.trainable


# What a class raises whose config does not make its layer again.
CANNOT_BE_MADE = (TypeError, ValueError, KeyError, AttributeError, NotImplementedError)


def described(layer, network):
    """What JSON can hold and `from_description` makes the layer of again, without its weights.

    Layers whose own config does not make them again are made by the arguments that they were made
    with, or by the config of their network, as KerasHub's backbones are.

    Args:
        layer: The layer.
        network: Model that holds the layer.

    Raises:
        ValueError: If none of these makes it.
    """
    cls = type(layer)
    try:
        made_again(layer)
        description = keras.saving.serialize_keras_object(layer)
        description.pop("build_config", None)
        return description
    except CANNOT_BE_MADE:
        pass  # made in another way
    name = {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "registered_name": keras.saving.get_registered_name(cls),
    }
    arguments = constructor_arguments(layer)
    if arguments is not None:
        common = {"name": layer.name, "dtype": layer.dtype_policy.name}
        description = {**name, "arguments": {**common, **arguments}}
        description["trainable"] = layer.trainable
        try:
            from_description(description)
            return description
        except CANNOT_BE_MADE:
            pass
    try:
        serialized = keras.saving.serialize_keras_object(network)
        description = {"network": json.dumps(serialized), "name": layer.name}
        _layers_with(**description)
        return description
    except CANNOT_BE_MADE as error:
        raise ValueError(
            f"Layer '{layer.name}' ({cls.__name__}) cannot be made again from its config, as "
            "saving a model needs it too. Give the class a `get_config` that returns every "
            "argument of its constructor."
        ) from error


def from_description(description):
    """The layer that `described` has described.

    Raises:
        ValueError: If its class is neither registered nor one of Keras or KerasHub.
    """
    if "network" in description:
        return _layers_with(**description).pop(description["name"])
    if "arguments" not in description:
        return keras.saving.deserialize_keras_object(description)
    cls = keras.saving.get_registered_object(description["registered_name"])
    module = description["module"]
    if cls is None and module.split(".")[0] in ("keras", "keras_hub"):
        cls = getattr(importlib.import_module(module), description["class_name"])
    if not (isinstance(cls, type) and issubclass(cls, keras.layers.Layer)):
        raise ValueError(
            f"The model holds a layer of the class {description['class_name']} ({module}), which "
            "is not known. Import the module that registers it "
            "(keras.saving.register_keras_serializable) before the model is loaded."
        )
    layer = cls(**description["arguments"])
    layer.trainable = description["trainable"]
    return layer


# Of the network made last, its layers that hold layers and were not taken yet, by name: a network
# of many of them is made once.
_LEFT = {}


def _layers_with(network, name):
    """The layers that are left of a network of this description, with the one of that name."""
    if name not in _LEFT.get(network, {}):
        made = keras.saving.deserialize_keras_object(json.loads(network))
        _LEFT.clear()
        _LEFT[network] = {layer.name: layer for layer in made.layers if sublayers(layer)}
        if name not in _LEFT[network]:
            raise KeyError(name)
    return _LEFT[network]


def copy_weights(source, target):
    """Copies all weights of a layer into another one, and what that derives from them.

    Also for layers such as `keras.layers.Normalization`, which compute with a mean and a variance
    that they make of their weights once.
    """
    if source.weights:
        target.set_weights(source.get_weights())
    for layer in (target, *sublayers(target)):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def replace_inside(layer, new_of, path=""):
    """Replaces layers that a layer holds, at any depth, in attributes, lists and models.

    Args:
        layer: The layer; it is changed.
        new_of: Function of a path and the layer there, which returns the one to take its place or
            `None` to keep it and look inside.
        path: Where `layer` is. Paths are names of attributes, and indices in lists and models,
            with dots in between: `"attn.norm"`, `"blocks.3.norm1"`.
    """
    for name, value in attributes(layer).items():
        new = _replaced(layer, value, f"{path}{name}", new_of)
        if new is not value:
            set_attribute(layer, name, new)


def _replaced(owner, value, path, new_of):
    if isinstance(value, keras.layers.Layer):
        new = new_of(path, value)
        if new is None:
            new = value
            if graph_of(value) is not None:
                new = _model_with_others(value, path, new_of)
            else:
                replace_inside(value, new_of, f"{path}.")
        if new is not value:
            replace_sublayer(owner, value, new)
        return new
    if isinstance(value, list | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in list(items):
            new = _replaced(owner, item, f"{path}.{key}", new_of)
            if new is not item:
                value[key] = new
    elif isinstance(value, tuple) and not hasattr(value, "_fields"):
        new = tuple(_replaced(owner, x, f"{path}.{i}", new_of) for i, x in enumerate(value))
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
    return value


def _model_with_others(model, path, new_of):
    """The model itself, or one with the same graph and other layers."""
    new = {}
    for index, layer in enumerate(model.layers):
        new[id(layer)] = _replaced(model, layer, f"{path}.{index}", new_of)
    if all(new[id(layer)] is layer for layer in model.layers):
        return model
    if isinstance(model, keras.Sequential):
        made = keras.Sequential([new[id(layer)] for layer in model.layers], name=model.name)
        made.build(model.input_shape)
        return made
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), model.input
    )
    outputs = run_through_graph(
        model,
        inputs,
        lambda operation: new.get(id(operation), operation),
        lambda operation, *args, **kwargs: operation(*args, **kwargs),
    )
    return keras.Model(inputs, outputs, name=model.name)
