"""The graph of a plain network: what it is made of, and running it on other inputs."""

import dataclasses

import keras

from keras_asym.fusion.normalizations import normalization_of
from keras_asym.keras_internals import (
    graph_of,
    nodes_of,
    operation_of,
    run_through_graph,
    sublayers,
)
from keras_asym.layers.sublayers import copy_weights, made_again, replace_inside

_ADVICE = (
    "Pass a functional keras.Model, such as keras.Model(inputs, outputs); a model of another kind "
    "becomes one by `inputs = keras.Input(shape); keras.Model(inputs, model(inputs))`."
)
# They draw anew for each image: the modalities of an example would not fit one another any more.
_RANDOM = tuple(
    getattr(keras.layers, name)
    for name in dir(keras.layers)
    if name.startswith("Random") or name in ("AugMix", "CutMix", "MixUp", "RandAugment")
)


def rebuild(model, inputs, call):
    """Runs the graph of a functional model on other symbolic inputs, layer by layer.

    What `keras.models.clone_model` does, without the model around it: the result becomes part of a
    larger flat graph.

    Args:
        model: Functional `keras.Model`.
        inputs: Symbolic inputs in the structure of the model's.
        call: Function of a layer, its arguments and keyword arguments.

    Returns:
        Symbolic outputs in the structure of the model's.
    """

    def without_mask(layer, *args, **kwargs):
        if kwargs.get("mask", layer) is None:  # filled in by Keras, for any layer that takes one
            kwargs.pop("mask")
        return call(layer, *args, **kwargs)

    outputs = run_through_graph(model, inputs, lambda layer: layer, without_mask)
    single = isinstance(outputs, list | tuple) and len(outputs) == 1
    return outputs[0] if single else outputs


def flattened(network):
    """The network with the graphs of nested models in its own; the layers are the same.

    A layer whose name another one has already gets that of the nested model in front of it, and is
    a copy.

    Raises:
        ValueError: If it has no graph.
    """
    graph = graph_of(network)
    if graph is None:
        raise ValueError(
            "`network` must be a functional keras.Model (or a Sequential one that is built): the "
            f"graph of another model cannot be cloned. {_ADVICE} Received: "
            f"{type(network).__name__} '{getattr(network, 'name', network)}'"
        )
    if not any(isinstance(x, keras.Model) and graph_of(x) is not None for x in graph.layers):
        return graph
    names, renamed = {}, {}

    def own(layer, model):
        taken = names.setdefault(layer.name, layer)
        if taken is layer:
            return layer
        if id(layer) not in renamed:
            renamed[id(layer)] = layer, made_again(layer, name=f"{model.name}_{layer.name}")
        return renamed[id(layer)][1]

    def inline(model, inputs):
        def call(layer, *args, **kwargs):
            if isinstance(layer, keras.Model) and graph_of(layer) is not None:
                return inline(layer, args[0])
            return own(layer, model)(*args, **kwargs)

        return rebuild(graph_of(model), inputs, call)

    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), graph.input
    )
    outputs = inline(network, inputs)
    for layer, copy in renamed.values():
        copy_weights(layer, copy)
    return keras.Model(inputs, outputs, name=network.name)


def normalizations(network):
    """The normalizations of a flat network that become private, by name.

    One inside of another layer has that layer's name and its place in it:
    `"hierarchical_encoder_0_0/attn.norm"`.

    Raises:
        ValueError: If a layer looks like a normalization and is none that is known.
    """
    found = {}
    for layer in network.layers:
        if normalization_of(layer) is not None:
            found[layer.name] = layer
        else:
            inside = normalizations_inside(layer)
            found.update({f"{layer.name}/{path}": norm for path, norm in inside.items()})
    return found


def normalizations_inside(layer):
    """The normalizations that a layer holds, by their places in it.

    Raises:
        ValueError: If it holds one in a place where none can be replaced, or an unknown one.
    """
    hidden = {id(x): x for x in sublayers(layer) if normalization_of(x) is not None}
    found = {}

    def note(path, inner):
        if hidden.pop(id(inner), None) is not None:
            found[path] = inner

    if hidden:
        replace_inside(layer, note)
    if hidden:
        norm = next(iter(hidden.values()))
        raise ValueError(
            f"Layer '{layer.name}' ({type(layer).__name__}) holds the {type(norm).__name__} "
            f"'{norm.name}' in no attribute, list, dictionary or model, so that no private one can "
            "take its place. Keep it in an attribute."
        )
    return found


def ancestors(network, names):
    """Names of the layers `names` of a flat network and of all layers that lead to them."""
    sources = {}
    for node in nodes_of(network):
        found = sources.setdefault(node.operation.name, set())
        found.update(operation_of(x).name for x in node.input_tensors)
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(sources.get(name, ()))
    return reached


def check_network(network):
    """Raises `ValueError` for a flat network that cannot be made multimodal."""
    shapes = [tuple(x.shape) for x in network.inputs]
    if len(shapes) != 1 or len(shapes[0]) not in (4, 5):
        raise ValueError(
            "`network` must have one image input (batch, height, width, channels), or one of "
            f"volumes with a depth before them. Received: inputs of shapes {shapes} in "
            f"'{network.name}'"
        )
    if shapes[0][0] is not None:
        raise ValueError(
            "`network` must take any batch size: the modalities are put into the batch axis. Build "
            f"it without a batch size. Received: an input of shape {shapes[0]} in '{network.name}'"
        )
    if shapes[0][-1] is None:
        raise ValueError(
            "`network` must have a fixed number of channels, on the last axis. Received: an input "
            f"of shape {shapes[0]} in '{network.name}'"
        )
    for layer in network.layers:
        for inner in (layer, *sublayers(layer)):
            if isinstance(inner, _RANDOM):
                raise ValueError(
                    "`network` must not hold random image layers: each modality of an example "
                    f"would be changed in another way. Received: '{inner.name}' "
                    f"({type(inner).__name__}) in '{network.name}'; put it in front of the model, "
                    "on all modalities and the target alike."
                )
            if getattr(inner, "data_format", None) == "channels_first":
                raise ValueError(
                    '`network` must have its channels last (data_format="channels_last"). '
                    f"Received: '{inner.name}' with data_format=\"channels_first\""
                )
    if not normalizations(network):
        raise ValueError(
            "`network` must contain normalization layers (BatchNormalization, LayerNormalization, "
            "...): they are what becomes private to each modality. Received: network "
            f"'{network.name}' without any"
        )


def check_names(network, names):
    """Raises `ValueError` if a modality's name is that of a layer, where both would be one."""
    taken = {operation.name for operation in network.operations} - {x.name for x in network.inputs}
    for name in names:
        for made in (name, *(f"{name}_{x}" for x in ("normals", "repeat", "projection"))):
            if made in taken:
                raise ValueError(
                    f"`modalities` must not have the name of a layer: '{made}' is one in network "
                    f"'{network.name}'. Rename the modality. Received: {list(names)}"
                )
    for made in ("fold_modalities", "unfold_modalities", "ensemble"):
        if made in taken:
            raise ValueError(
                f"`network` must not have a layer '{made}': to_multimodal adds one of that name. "
                f"Received: network '{network.name}'; is it multimodal already?"
            )


def check_edits(network, edits):
    """Raises `ValueError` for edits that name a layer which the network does not have."""
    norms = set(normalizations(network))
    names = {operation.name for operation in network.operations}
    for key in (field.name for field in dataclasses.fields(edits)):
        known = norms if key in ("normalization", "shared") else names
        given = getattr(edits, key)
        unknown = [name for name in given if name not in known]
        unknown += [name for name in given.values() if name not in known] if key == "sites" else []
        if unknown:
            what = "normalization layer" if known is norms else "layer"
            raise ValueError(
                f"`GraphEdits.{key}` must name {what}s of the network '{network.name}'. "
                f"Received: '{unknown[0]}', which is none of them; did the strategy take names of "
                "another network?"
            )
