"""The single checks of `check_layer`."""

import dataclasses
import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_asym.testing.running import (
    arrays,
    call_compiled,
    failing,
    gradients,
    randomize,
    require,
    require_equal,
    uneven_sum,
)

# Policy -> largest difference from float32: of outputs, and of gradients relative to their norm.
POLICIES = {
    "mixed_bfloat16": (4e-2, 0.1),
    "mixed_float16": (6e-3, 0.03),
    "bfloat16": (4e-2, 0.1),
    "float16": (6e-3, 0.03),
    "float64": (1e-5, 1e-4),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer under check.

    Attributes:
        make: Function of the number of modalities that makes the layer.
        inputs: Function of the number of modalities that gives what the layer is called on.
        modalities: Number of modalities.
        training: Values of the call argument `training` to check; `None` where there is none.
    """

    make: Callable
    inputs: Callable
    modalities: int
    training: tuple = (None,)

    def layer(self):
        """A built layer with random weights, the same ones each time."""
        layer = self.make(self.modalities)
        layer(self.inputs(self.modalities))
        return randomize(layer)

    def pair(self):
        """Two such layers, the same ones each time: most checks only compare two calls."""
        return tuple(randomize(layer) for layer in self._pair)

    @functools.cached_property
    def _pair(self):
        return self.layer(), self.layer()

    @functools.cached_property
    def rows_of_weights(self):
        """Indices of the weights with a row for each modality: the first axis grows with these."""
        count, layer = self.modalities, self._pair[0]
        wider = dataclasses.replace(self, modalities=count + 1).layer()
        return {
            index
            for index, (weight, other) in enumerate(zip(layer.weights, wider.weights, strict=False))
            if tuple(other.shape) == (count + 1, *weight.shape[1:]) != tuple(weight.shape)
        }

    def model(self, symbolic=None):
        """A model of the layer alone."""
        if symbolic is None:
            symbolic = symbolic_inputs(self.inputs(self.modalities), lambda shape: shape[1:])
        return randomize(keras.Model(symbolic, self.make(self.modalities)(symbolic)))

    def settings(self):
        """Keyword arguments of the calls to check."""
        return [{} if value is None else {"training": value} for value in self.training]

    @functools.cached_property
    def name(self):
        return f"{type(self.make(self.modalities)).__name__} of {self.modalities}"


def symbolic_inputs(inputs, shape_of):
    """`keras.Input`s for a structure of arrays; `shape_of` a shape gives that without the batch."""
    if isinstance(inputs, dict):
        return {name: keras.Input(shape_of(x.shape), name=name) for name, x in inputs.items()}
    return keras.tree.map_structure(lambda x: keras.Input(shape_of(x.shape)), inputs)


def check_config(case):
    """The layer is made again by its config, also by way of JSON."""
    layer = case.make(case.modalities)
    with failing(f"{case.name} is not made again by its config"):
        again = type(layer).from_config(layer.get_config())
        text = json.dumps(keras.saving.serialize_keras_object(layer))
        loaded = keras.saving.deserialize_keras_object(json.loads(text))
    for made in (again, loaded):
        require(type(made) is type(layer), f"{case.name} becomes a {type(made).__name__}.")
        found, wanted = (json.dumps(x.get_config(), default=str) for x in (made, layer))
        require(
            found == wanted,
            f"{case.name} has another config when it is made again: {found}, not {wanted}.",
        )


def check_saving(case):
    """A model with the layer gives the same after saving and loading, without unsafe code."""
    model, inputs = case.model(), case.inputs(case.modalities)
    with (
        failing(f"{case.name} is not saved and loaded"),
        tempfile.TemporaryDirectory() as folder,
    ):
        model.save(Path(folder, "model.keras"))
        loaded = keras.saving.load_model(Path(folder, "model.keras"), safe_mode=True)
    names, expected = ([w.name for w in x.weights] for x in (loaded, model))
    require(names == expected, f"{case.name} has the weights {names} when loaded, not {expected}.")
    require_equal(loaded(inputs), model(inputs), f"{case.name} after loading")


def check_precision(case):
    """Under each dtype policy the layer runs forward and backward and is near float32."""
    layer, inputs = case.layer(), case.inputs(case.modalities)
    expected = layer(inputs)
    slopes = gradients(layer, inputs, uneven_sum)
    for policy, (tolerance, of_gradients) in _usable_policies().items():
        for floatx in ("float32", "float64") if policy == "float64" else ("float32",):
            what = f"{case.name} under the policy {policy}"
            what += " with floatx float64" if floatx == "float64" else ""
            with failing(what), _precision(policy, floatx):
                other = case.layer()
                outputs = other(inputs)
                found = gradients(other, inputs, uneven_sum)
            for output in keras.tree.flatten(outputs):
                dtype = keras.backend.standardize_dtype(output.dtype)
                wanted = policy.removeprefix("mixed_")
                require(dtype == wanted, f"{what} gives {dtype}, not {wanted}.")
            _check_weights(case, other, policy, what)
            require_equal(outputs, expected, f"{what}, beside float32", tolerance)
            _check_slopes(found, slopes, what, of_gradients)


def _usable_policies():
    if keras.backend.backend() == "jax":
        import jax

        if not jax.config.jax_enable_x64:
            return {name: value for name, value in POLICIES.items() if name != "float64"}
    return POLICIES


class _precision:
    """Inside, layers are made under a dtype policy."""

    def __init__(self, policy, floatx):
        self.wanted = policy, floatx

    def __enter__(self):
        self.before = keras.config.dtype_policy(), keras.config.floatx()
        self._set(*self.wanted)

    def __exit__(self, *error):
        self._set(*self.before)

    @staticmethod
    def _set(policy, floatx):
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def _check_weights(case, layer, policy, what):
    wanted = "float32" if policy.startswith("mixed_") else policy
    for weight in layer.weights:
        require(
            weight.dtype == wanted or "int" in weight.dtype,  # seeds and counts
            f"{what} keeps the weight '{weight.name}' in {weight.dtype}, not {wanted}.",
        )


def _check_slopes(found, expected, what, tolerance):
    """Compares gradients by their norms: single ones may cancel to almost nothing."""
    of_weights = list(zip(found[0].values(), expected[0].items(), strict=True))
    pairs = [(x, y, name) for x, (name, y) in of_weights]
    pairs += [
        (x, y, f"input {i}") for i, (x, y) in enumerate(zip(found[1], expected[1], strict=True))
    ]
    for x, y, name in pairs:
        difference = np.linalg.norm(x - y) / max(np.linalg.norm(y), 1e-3)
        require(
            difference <= tolerance,
            f"{what}: the gradient of {name} differs from float32's by {difference:.3g} of its "
            f"norm (allowed: {tolerance:g}).",
        )


def check_xla(case):
    """Compiled by XLA the layer gives what it gives otherwise, and changes its weights alike."""
    inputs = case.inputs(case.modalities)
    for kwargs in case.settings():
        eager, compiled = case.layer(), case.layer()
        expected = eager(inputs, **kwargs)
        with failing(f"{case.name} is not compiled by XLA"):
            outputs = call_compiled(compiled, inputs, **kwargs)
        require_equal(outputs, expected, f"{case.name} compiled by XLA", 1e-5)
        require_equal(
            compiled.weights, eager.weights, f"Weights of {case.name} compiled by XLA", 1e-5
        )


def check_symbolic(case):
    """The shapes and dtypes that the layer announces are those of what it gives."""
    inputs = case.inputs(case.modalities)
    with failing(f"{case.name} is not called on symbolic tensors"):
        announced = case.make(case.modalities)(
            keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape), inputs)
        )
    outputs = case.make(case.modalities)(inputs)
    with failing(f"{case.name} announces another structure"):
        keras.tree.assert_same_structure(announced, outputs)
    for symbolic, output in zip(*map(keras.tree.flatten, (announced, outputs)), strict=True):
        shape, dtype = tuple(output.shape), keras.backend.standardize_dtype(output.dtype)
        require(
            (tuple(symbolic.shape), symbolic.dtype) == (shape, dtype),
            f"{case.name} announces {tuple(symbolic.shape)}, {symbolic.dtype} and gives {shape}, "
            f"{dtype}. Implement `compute_output_spec`.",
        )


def check_gradients(case):
    """Gradients of inputs and weights are finite, and there is one for each weight."""
    layer = case.layer()
    of_weights, of_inputs = gradients(layer, case.inputs(case.modalities), uneven_sum)
    require(
        len(of_weights) == len(layer.trainable_variables),
        f"{case.name} has several weights of one name.",
    )
    for name, value in (*of_weights.items(), *((f"input {i}", x) for i, x in enumerate(of_inputs))):
        require(np.isfinite(value).all(), f"{case.name}: the gradient of {name} is not finite.")


def check_examples_alike(case):
    """Each entry of the batch is treated alike, whoever stands beside it.

    That is what makes a layer that knows nothing of modalities fit for the folded batch.
    """
    layer, inputs = case.layer(), case.inputs(case.modalities)
    together = arrays(layer(inputs))
    for entry in range(len(keras.tree.flatten(inputs)[0])):
        alone = arrays(layer(keras.tree.map_structure(lambda x, i=entry: x[i : i + 1], inputs)))
        require_equal(
            [
                x[entry * len(y) : (entry + 1) * len(y)]
                for x, y in zip(together, alone, strict=True)
            ],
            alone,
            f"{case.name} gives entry {entry} of a batch something else than alone. A layer that "
            "looks at the modalities must be a keras_asym.layers.ModalityLayer",
            1e-5,
        )
