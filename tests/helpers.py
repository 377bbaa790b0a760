"""What several tests need: random weights, compiled calls, gradients and distances."""

import keras
import numpy as np


def images(*shape, seed=0):
    """Standard normal float32 array."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


def randomize(layer, seed=0):
    """Gives every weight a value that a default one could not be mistaken for.

    Variances are positive; a third of the gammas lie below the exchange thresholds.
    """
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        shape = tuple(weight.shape)
        if weight.name == "moving_variance":
            value = rng.uniform(0.5, 1.5, shape)
        elif weight.name == "gamma":
            value = rng.uniform(0.2, 1.0, shape) * rng.choice([-1, 1], shape)
            value = np.where(rng.uniform(size=shape) < 1 / 3, 5e-3 * value, value)
        elif len(shape) > 2:
            value = rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))
        else:
            value = 0.5 * rng.standard_normal(shape)
        if "seed" not in weight.name:
            weight.assign(value)
    return layer


def randomize_norms(network, seed=0):
    """Random weights and statistics for the norms of a plain network; kernels stay."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            randomize(layer, seed + index)
    return network


def run(model, inputs):
    """Inference; compiled where running op by op would compile very many of them."""
    if keras.backend.backend() == "jax" and len(model.layers) > 60:
        return call_compiled(model, inputs, training=False)
    return model(inputs, training=False)


def distance(actual, expected):
    """Relative L2 distance `||actual - expected|| / ||expected||`."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)


def tensors(structure):
    return keras.tree.map_structure(keras.ops.convert_to_tensor, structure)


def arrays(structure, dtype="float32"):
    """Structure of tensors as a flat list of NumPy arrays."""
    flat = keras.tree.flatten(structure)
    return [keras.ops.convert_to_numpy(keras.ops.cast(x, dtype)) for x in flat]


def call_compiled(layer, inputs, **kwargs):
    """Calls a layer or model under XLA; its state is updated as by a plain call."""
    inputs = tensors(inputs)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda x: layer(x, **kwargs), jit_compile=True)(inputs)
    import jax

    @jax.jit
    def step(trainable, other, inputs):
        return layer.stateless_call(trainable, other, inputs, **kwargs)

    outputs, other = step(*_values(layer), inputs)
    for variable, value in zip(layer.non_trainable_variables, other, strict=True):
        variable.assign(value)
    return outputs


def gradients(layer, inputs, loss, **kwargs):
    """Gradients of `loss(layer(inputs))`: `{path: array}` of the trainable weights, and those of
    the inputs as a flat list. Where none arrives it is zero."""
    inputs = tensors(inputs)
    layer.built = layer.built or not layer.weights  # layers without weights need no first call
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        variables = [v.value for v in layer.trainable_variables]
        flat = keras.tree.flatten(inputs)
        with tf.GradientTape() as tape:
            tape.watch(flat)
            value = loss(layer(inputs, **kwargs))
        found = tape.gradient(
            value, [*variables, *flat], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        of_weights, of_inputs = found[: len(variables)], found[len(variables) :]
    else:
        import jax

        def function(trainable, inputs):
            return loss(layer.stateless_call(trainable, _values(layer)[1], inputs, **kwargs)[0])

        of_weights, of_inputs = jax.grad(function, argnums=(0, 1))(_values(layer)[0], inputs)
    paths = [v.path for v in layer.trainable_variables]
    return dict(zip(paths, arrays(of_weights), strict=True)), arrays(of_inputs)


def uneven_sum(outputs):
    """A scalar in which every entry has another weight, so that no gradient cancels."""
    total = 0.0
    for index, x in enumerate(keras.tree.flatten(outputs)):
        weights = images(*x.shape, seed=100 + index)
        total = total + keras.ops.sum(keras.ops.cast(x, "float32") * weights)
    return total


def _values(layer):
    return (
        [v.value for v in layer.trainable_variables],
        [v.value for v in layer.non_trainable_variables],
    )
