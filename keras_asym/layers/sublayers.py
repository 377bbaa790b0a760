"""Layers inside of layers: making a layer again, finding what it holds, and replacing it."""

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


def settings_of(layer):
    """A config from which the layer's class makes it again.

    Raises:
        ValueError: If there is none.
    """
    return _made_by_settings(layer, {})[0]()


def made_again(layer, **other_settings):
    """A new layer of the same class and settings, with weights of its own.

    Raises:
        ValueError: If there is no config that makes it.
    """
    again = _made_by_settings(layer, other_settings)[1]
    for old, new in zip(sublayers(layer), sublayers(again), strict=False):
        if type(old) is type(new):
            new.trainable = old.trainable
    return again


def _made_by_settings(layer, other_settings):
    """The function that gives the layer's config, and the layer that is made from it."""
    first = None
    for settings in (layer.get_config, lambda: dict(constructor_arguments(layer) or {})):
        try:
            return settings, type(layer).from_config({**settings(), **other_settings})
        except (TypeError, ValueError, KeyError, NotImplementedError) as error:
            first = first or error
    raise ValueError(
        f"Layer '{layer.name}' ({type(layer).__name__}) cannot be made again from its config, as "
        "saving a model needs it too. Give the class a `get_config` that returns every argument of "
        f"its constructor. {type(first).__name__}: {first}"
    ) from first


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
        path: Where `layer` is. Paths are names of attributes, and indices in lists, with dots in
            between: `"attn.norm"`, `"blocks.3.norm1"`.
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
    for layer in model.layers:
        new[id(layer)] = _replaced(model, layer, f"{path}.{layer.name}", new_of)
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
