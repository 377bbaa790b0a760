"""Gradient checkpointing: less memory in training for some more time.

A network is run in segments of some layers. Of each segment only what later ones read is kept for
the backward pass, which runs the segment a second time when its turn comes (Chen et al. 2016,
[arXiv 1604.06174](https://arxiv.org/abs/1604.06174)). The second run has the values of all
variables that the first had: the seeds of dropout too, so that the same numbers are drawn, and
moving statistics are updated once.
"""

import keras

from keras_asym.keras_internals import nodes_of, run_graph_by

LAYERS = 10
"""Layers in a segment, at least: those of one bottleneck block."""


def checkpointed(network):
    """A function that calls a functional network in training and keeps less for the gradient.

    Args:
        network: Functional model.

    Returns:
        Function of what `network` takes, with its layers and weights.

    Raises:
        ValueError: If the backend is neither TensorFlow nor JAX; when called, if a layer adds a
            loss to the model.
    """
    if keras.backend.backend() not in ("tensorflow", "jax"):
        raise ValueError(
            "Gradient checkpointing is for the TensorFlow and JAX backends. Received: "
            f"backend={keras.backend.backend()}"
        )
    cuts = _cuts(network)

    def run(nodes, tensors):
        start = 0
        for end in cuts:
            _run_segment(nodes[start:end], nodes[end:], network.outputs, tensors)
            start = end
        for node, call in nodes[start:]:  # which the backward pass begins with
            tensors.update(zip(map(id, node.outputs), call(tensors), strict=True))

    return run_graph_by(network, run).__call__


def _cuts(network):
    """Indices of the nodes that segments end in front of.

    Where the features go through one tensor, such as behind a residual block, once there are
    `LAYERS` of them since the last such place. What is read much later alone, such as what a
    decoder reads of an encoder, is kept and does not count.
    """
    nodes = nodes_of(network)
    reads = {id(x): [len(nodes)] for x in network.outputs}
    for index, node in enumerate(nodes):
        for x in node.input_tensors:
            reads.setdefault(id(x), []).append(index)
    cuts, start, made = [], 0, set()
    for index, node in enumerate(nodes):
        made |= {id(x) for x in node.outputs}
        soon = range(index + 1, index + 1 + 2 * LAYERS)
        live = [x for x in made if any(place in soon for place in reads.get(x, ()))]
        if len(live) == 1 and index + 1 - start >= LAYERS:
            cuts.append(index + 1)
            start, made = index + 1, set()
    return cuts


def _run_segment(nodes, later, outputs, tensors):
    """Runs the nodes of a segment and adds what `later` nodes or the `outputs` read."""
    made = {id(x) for node, _ in nodes for x in node.outputs}
    read = {id(x) for node, _ in nodes for x in node.input_tensors} - made
    wanted = {id(x) for x in outputs} | {id(x) for node, _ in later for x in node.input_tensors}
    fixed = {key: x for key, x in tensors.items() if key in read and not _is_float(x)}
    keys = [key for key in tensors if key in read and key not in fixed]
    wanted = [id(x) for node, _ in nodes for x in node.outputs if id(x) in wanted]
    layers = {id(node.operation): node.operation for node, _ in nodes}.values()
    layers = [layer for layer in layers if isinstance(layer, keras.layers.Layer)]
    trainable = [v for layer in layers for v in layer.trainable_variables]
    others = [v for layer in layers for v in layer.non_trainable_variables]
    others = list({id(v): v for v in others}.values())
    trainable = list({id(v): v for v in trainable}.values())

    def segment(inputs, weights, state):
        """What is wanted of the segment, and what its layers have made of `state`."""
        values = [*zip(trainable, weights, strict=True), *zip(others, state, strict=True)]
        scope = keras.StatelessScope(values, collect_losses=True, initialize_variables=False)
        found = {**fixed, **dict(zip(keys, inputs, strict=True))}
        with scope:
            for node, call in nodes:
                found.update(zip(map(id, node.outputs), call(found), strict=True))
        if scope.losses:
            raise ValueError(
                "Gradient checkpointing is not for layers that add a loss to the model, such as "
                f"token exchange. Received: one of {[layer.name for layer in layers]}"
            )
        return [found[key] for key in wanted], [scope.get_current_value(v) for v in others]

    weights, state = ([_value_of(v) for v in vs] for vs in (trainable, others))
    recomputed = _on_jax if keras.backend.backend() == "jax" else _on_tensorflow
    results, updated = recomputed(segment, [tensors[key] for key in keys], weights, state)
    for variable, old, new in zip(others, state, updated, strict=True):
        if new is not old:
            variable.assign(new)
    tensors.update(zip(wanted, results, strict=True))


def _is_float(x):
    return keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))


def _value_of(variable):
    """The value that a variable has now, whatever is assigned to it later."""
    if keras.backend.backend() == "jax":
        return variable.value
    import tensorflow as tf

    return tf.convert_to_tensor(variable.value)  # Keras' own function gives the variable


def _on_jax(segment, inputs, weights, state):
    import jax

    return jax.checkpoint(segment)(inputs, weights, state)


def _on_tensorflow(segment, inputs, weights, state):
    import tensorflow as tf

    first, updated = len(inputs), []

    @tf.custom_gradient
    def run(*tensors):
        results, new = segment(tensors[:first], tensors[first:], state)
        updated[:] = new

        def gradient(*upstream):
            again = [_not_before(upstream, x) for x in tensors[:first]]
            values = [*again, *map(tf.identity, tensors[first:])]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(values)
                results, _ = segment(values[:first], values[first:], state)
            return tape.gradient(
                results, values, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )

        return results, gradient

    return run(*inputs, *weights), updated


def _not_before(upstream, x):
    """`x`, but not computed with before the gradients `upstream` are there.

    Without a value that depends on them the second run would follow the first at once, or be taken
    for the same. Neither XLA nor the common subexpressions keep to control dependencies.
    """
    import tensorflow as tf

    zero = 0.0
    for gradient in upstream:
        some = tf.cast(tf.reduce_max(tf.reshape(gradient, [-1])[:1]), "bool")
        # Always 0, which the graph's optimizers do not see.
        zero += tf.where(tf.equal(some, some), 0.0, float("nan"))
    return x + tf.cast(zero, x.dtype)
