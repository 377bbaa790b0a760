"""The graph of a functional network: what can be cloned, and running it on other inputs."""

import keras

from keras_asym.fusion.strategy import NORMALIZATIONS


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


def check_copy(network, layer):
    """Raises `ValueError` for a layer of a cloned network that hides a norm inside."""
    for inner in layer._flatten_layers():
        if isinstance(inner, NORMALIZATIONS):
            raise ValueError(
                f"A {type(inner).__name__} ('{inner.name}') is hidden inside the layer "
                f"'{layer.name}' of network '{network.name}', where it cannot be made private. "
                "Build the network from plain Keras layers."
            )


def check_edits(network, edits):
    """Raises `ValueError` for edits that name a layer which the network does not have."""
    norms = {layer.name for layer in network.layers if isinstance(layer, NORMALIZATIONS)}
    names = {operation.name for operation in network.operations}
    for key, known in (
        ("normalization", norms),
        ("before", names),
        ("after", names),
        ("sites", names),
    ):
        given = getattr(edits, key)
        unknown = [name for name in given if name not in known]
        unknown += [name for name in given.values() if key == "sites" and name not in known]
        if unknown:
            what = "normalization layer" if key == "normalization" else "layer"
            raise ValueError(
                f"`GraphEdits.{key}` must name {what}s of the network '{network.name}'. "
                f"Received: '{unknown[0]}', which is none of them; did the strategy take names of "
                "another network?"
            )
