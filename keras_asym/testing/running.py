"""What the checks need: random weights, compiled calls, gradients, and comparisons."""

import contextlib

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


def tensors(structure):
    """Structure of arrays as one of tensors."""
    return keras.tree.map_structure(keras.ops.convert_to_tensor, structure)


def arrays(structure, dtype="float32"):
    """Structure of tensors as a flat list of NumPy arrays."""
    flat = keras.tree.flatten(structure)
    return [keras.ops.convert_to_numpy(x).astype(dtype) for x in flat]


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
            # Not stateless_call, which hands `presence` to layers that do not take it.
            state = list(zip(layer.trainable_variables, trainable, strict=True))
            with keras.StatelessScope(state_mapping=state):
                return loss(layer(inputs, **kwargs))

        # Compiled as a whole: JAX would compile each operation for itself otherwise.
        slopes = jax.jit(jax.grad(function, argnums=(0, 1)))
        of_weights, of_inputs = slopes(_values(layer)[0], inputs)
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


def require(holds, message):
    """Raises `AssertionError` with a message unless something holds; also under `python -O`."""
    if not holds:
        raise AssertionError(message)


def require_equal(actual, expected, what, tolerance=0.0):
    """Raises `AssertionError` unless two structures of tensors are equal.

    Args:
        actual, expected: Structures of tensors.
        what: Beginning of the message, which says what differs from what.
        tolerance: Largest difference, relative to the larger of 1 and the expected value.
    """
    actual, expected = arrays(actual), arrays(expected)
    require(len(actual) == len(expected), f"{what}: {len(actual)} tensors, not {len(expected)}.")
    for index, (x, y) in enumerate(zip(actual, expected, strict=True)):
        place = f" in tensor {index}" if len(actual) > 1 else ""
        require(x.shape == y.shape, f"{what}: shape {x.shape}, not {y.shape}{place}.")
        difference = np.abs(x - y) / np.maximum(1.0, np.abs(y))
        bad = ~(difference <= tolerance)
        require(
            not bad.any(),
            f"{what}: {bad.sum()} of {x.size} numbers differ{place}, by "
            f"{difference.max(initial=0.0):.3g} at most (allowed: {tolerance:g}).",
        )


@contextlib.contextmanager
def failing(what):
    """Turns any error inside into an `AssertionError` that begins with `what`."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
