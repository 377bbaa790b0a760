"""The values of everything that training changes in a model."""

import numpy as np
from keras import ops


def synchronize(model):
    """Makes a model's variables what they are now: inside `fit`, JAX keeps them elsewhere."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def read_variables(model, metrics=True):
    """Weights, states of random generators, optimizers and metrics as NumPy arrays.

    Keras' own `.keras` files leave out the states of random generators (dropout) and the metrics.

    Args:
        model: Compiled model whose optimizer is built.
        metrics: Whether the metrics' sums are among them. To read them is a collective operation
            under a strategy of several hosts.

    Returns:
        `{name: array}`.
    """
    synchronize(model)
    arrays = {}
    for group, variables in _groups(model, metrics).items():
        for index, variable in enumerate(variables):
            arrays[f"{group}/{index:05d}"] = np.array(ops.convert_to_numpy(variable))
    return arrays


def assign_variables(model, arrays, optimizer=True):
    """Gives a model the values that `read_variables` has found.

    Args:
        model: Model like the one that was read; compiled like it if `optimizer`.
        arrays: Result of `read_variables`; the metrics in it are not used.
        optimizer: Whether the optimizer gets its state, too.

    Raises:
        ValueError: If the arrays are another model's.
    """
    groups = _groups(model, metrics=False)
    if not optimizer:
        del groups["optimizer"]
    for group, variables in groups.items():
        values = _values(arrays, group)
        shapes = [tuple(variable.shape) for variable in variables]
        if [value.shape for value in values] != shapes:
            raise ValueError(
                f"The saved state must be of the same model: its '{group}' has {len(values)} "
                f"variables, the model's {len(shapes)}, or their shapes differ. Has the code "
                "changed since? Start in another folder."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def add_to_metrics(model, arrays):
    """Adds saved sums to those of a model's metrics, all of which must be sums.

    Args:
        model: Model whose metrics have seen the first batch since they were reset: only then Keras
            has made all of them.
        arrays: Result of `read_variables`.
    """
    synchronize(model)
    values = _values(arrays, "metrics")
    if len(values) == len(model.metrics_variables):
        for variable, value in zip(model.metrics_variables, values, strict=True):
            variable.assign(ops.convert_to_numpy(variable) + value)


def _values(arrays, group):
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{group}/")]


def _groups(model, metrics):
    groups = {
        "trainable": model.trainable_variables,
        "non_trainable": model.non_trainable_variables,
        "optimizer": model.optimizer.variables if model.optimizer is not None else [],
    }
    return {**groups, "metrics": model.metrics_variables} if metrics else groups
