"""The single checks of `check_layer`."""

import dataclasses
import functools
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_asym.layers import ModalityLayer, SelectedModalities
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

# Policy -> largest difference from float32, of outputs and, relative to their norm, of gradients.
POLICIES = {
    "mixed_bfloat16": 2e-2,
    "mixed_float16": 3e-3,
    "bfloat16": 2e-2,
    "float16": 3e-3,
    "float64": 1e-5,
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
        require(
            made.get_config() == layer.get_config(),
            f"{case.name} has another config when it is made again: {made.get_config()}, not "
            f"{layer.get_config()}.",
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


def check_precision(case, policies=None):
    """Under each dtype policy the layer runs forward and backward and is near float32."""
    layer, inputs = case.layer(), case.inputs(case.modalities)
    expected = layer(inputs)
    slopes = gradients(layer, inputs, uneven_sum)
    for policy, tolerance in (policies or _usable_policies()).items():
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
            require_equal(outputs, expected, f"{what}, beside float32", 2 * tolerance)
            _check_slopes(found, slopes, what, 4 * tolerance)


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
            weight.dtype == wanted or "seed" in weight.name,
            f"{what} keeps the weight '{weight.name}' in {weight.dtype}, not {wanted}.",
        )


def _check_slopes(found, expected, what, tolerance):
    """Compares gradients by their norms: single ones may cancel to almost nothing."""
    of_weights = list(zip(found[0].values(), expected[0].items(), strict=True))
    pairs = [(x, y, name) for x, (name, y) in of_weights]
    pairs += [(x, y, f"input {i}") for i, (x, y) in enumerate(zip(found[1], expected[1]))]
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
            [x[entry * len(y) : (entry + 1) * len(y)] for x, y in zip(together, alone)],
            alone,
            f"{case.name} gives entry {entry} of a batch something else than alone. A layer that "
            "looks at the modalities must be a keras_asym.layers.ModalityLayer",
            1e-5,
        )


def check_one_modality(case):
    """With one modality, and for an example that has one alone, nothing is changed."""
    one = dataclasses.replace(case, modalities=1)
    inputs = one.inputs(1)
    require_equal(one.layer()(inputs), inputs, f"{one.name} modality beside its input", 1e-6)
    layer, inputs = case.layer(), case.inputs(case.modalities)
    examples = len(keras.tree.flatten(inputs)[0]) // case.modalities
    alone = [(index % case.modalities,) for index in range(examples)]
    outputs = layer(inputs, presence=_presence(alone, case.modalities))
    for example, (row,) in enumerate(alone):
        require_equal(
            _of_example(outputs, example, (row,), examples, case.modalities),
            _of_example(inputs, example, (row,), examples, case.modalities),
            f"{case.name} for an example that has modality {row} alone, beside its input",
            1e-6,
        )


def check_selection(case):
    """On some of the modalities alone the layer is what it is where the others are absent."""
    inputs, count = case.inputs(case.modalities), case.modalities
    examples = len(keras.tree.flatten(inputs)[0]) // count
    for rows in subsets(count):
        for kwargs in case.settings():
            layer, other = case.layer(), case.layer()
            with failing(f"{case.name} in SelectedModalities on {rows}"):
                selected = SelectedModalities(other, rows)(_take(inputs, rows, count), **kwargs)
            outputs = layer(inputs, presence=_presence([rows] * examples, count), **kwargs)
            for example in range(examples):
                require_equal(
                    _of_example(selected, example, range(len(rows)), examples, len(rows)),
                    _of_example(outputs, example, rows, examples, count),
                    f"{case.name} on the modalities {rows} alone, beside presence of these",
                    1e-5,
                )
            require_equal(
                other.weights,
                layer.weights,
                f"Weights of {case.name} after a call on the modalities {rows} alone, beside "
                "presence of these",
                1e-5,
            )


def check_presence(case, all_present=1e-6):
    """What an example lacks plays no part, and its other modalities are as without it.

    Args:
        case: The layer.
        all_present: Largest difference between a presence of all and none given.
    """
    _check_all_present(case, all_present)
    for pattern in presence_patterns(case):
        _check_each_example_alone(case, pattern)
        _check_absent_values(case, pattern)
        _check_gradients_of_absent(case, pattern)


def _check_all_present(case, tolerance):
    inputs, count = case.inputs(case.modalities), case.modalities
    everything = _presence([range(count)] * (len(keras.tree.flatten(inputs)[0]) // count), count)
    for kwargs in case.settings():
        layer, other = case.layer(), case.layer()
        found = layer(inputs, presence=everything, **kwargs)
        what = f"{case.name} with everything present, beside presence=None"
        require_equal(found, other(inputs, **kwargs), what, tolerance)
        require_equal(layer.weights, other.weights, f"Weights of {what}", tolerance)
    layer = case.layer()
    symbolic = symbolic_inputs(inputs, lambda shape: shape[1:])
    model = keras.Model(symbolic, layer(symbolic))
    for pattern in presence_patterns(case):
        presence = _presence(pattern, count)
        require_equal(
            model(inputs, presence=presence),
            layer(inputs, presence=presence),
            f"{case.name} in a model called with `presence`, beside the layer called with it. "
            "Call ModalityLayer.__init__",
            1e-6,
        )


def _check_each_example_alone(case, pattern):
    inputs, count, examples = case.inputs(case.modalities), case.modalities, len(pattern)
    layer = case.layer()
    outputs = layer(inputs, presence=_presence(pattern, count))
    for example, rows in enumerate(pattern):
        own = keras.tree.map_structure(lambda x, i=example: x[i * count : (i + 1) * count], inputs)
        alone = SelectedModalities(layer, rows)(_take(own, rows, count))
        require_equal(
            _of_example(outputs, example, rows, examples, count),
            _of_example(alone, 0, range(len(rows)), 1, len(rows)),
            f"{case.name} for an example with the modalities {rows} in a batch, beside this "
            "example and these modalities alone. Does the layer mix examples, or use modalities "
            "that are absent?",
            1e-5,
        )


def _check_absent_values(case, pattern):
    inputs, count, examples = case.inputs(case.modalities), case.modalities, len(pattern)
    presence = _presence(pattern, count)
    absent = ~presence.reshape(-1)
    rng = np.random.default_rng(1)

    def changed(x):
        x = np.array(x)
        x[absent] = 100 * rng.standard_normal(x[absent].shape)
        return x

    others = keras.tree.map_structure(changed, inputs)
    for kwargs in case.settings():
        layer, other = case.layer(), case.layer()
        before = [arrays(w)[0] for w in layer.weights]
        outputs = layer(inputs, presence=presence, **kwargs)
        found = other(others, presence=presence, **kwargs)
        what = f"{case.name} depends on what stands in the place of an absent modality"
        for example, rows in enumerate(pattern):
            y, x = (_of_example(z, example, rows, examples, count) for z in (found, outputs))
            require_equal(y, x, what, 1e-6)
        require_equal(other.weights, layer.weights, f"Weights: {what}", 1e-6)
        for weight, old in zip(layer.weights, before, strict=True):
            for row in set(range(count)) - set(itertools.chain(*pattern)):
                if old.shape[:1] == (count,) and not weight.trainable:
                    require_equal(
                        arrays(weight)[0][row],
                        old[row],
                        f"{case.name} changes '{weight.name}' of modality {row}, which nobody has",
                    )


def _check_gradients_of_absent(case, pattern):
    inputs, count, examples = case.inputs(case.modalities), case.modalities, len(pattern)
    presence = _presence(pattern, count)

    def loss(outputs):
        return uneven_sum(
            [_of_example(outputs, i, rows, examples, count) for i, rows in enumerate(pattern)]
        )

    for kwargs in case.settings():
        layer = case.layer()
        of_weights, of_inputs = gradients(layer, inputs, loss, presence=presence, **kwargs)
        for value in of_inputs:
            require(
                not value[~presence.reshape(-1)].any(),
                f"{case.name}: a gradient reaches the place of an absent modality.",
            )
        for name, value in of_weights.items():
            require(
                np.isfinite(value).all(),
                f"{case.name}: the gradient of {name} is not finite where modalities are absent.",
            )
            for row in set(range(count)) - set(itertools.chain(*pattern)):
                require(
                    value.shape[:1] != (count,) or not value[row].any(),
                    f"{case.name}: a gradient reaches {name} of modality {row}, which nobody has.",
                )


def subsets(count):
    """All combinations of modalities, the single ones first."""
    return [
        rows for size in range(1, count + 1) for rows in itertools.combinations(range(count), size)
    ]


def presence_patterns(case):
    """Lists of the modalities of each example, each example with others: one list in which every
    modality occurs, and one in which nobody has the first."""
    count = case.modalities
    examples = len(keras.tree.flatten(case.inputs(count))[0]) // count
    incomplete = [rows for rows in subsets(count) if len(rows) < count]
    order = np.random.default_rng(count).permutation(len(incomplete))
    mixed = [incomplete[i] for i in order if 0 in incomplete[i]][: examples - 1]
    mixed += [incomplete[i] for i in order if 0 not in incomplete[i]]
    without = [incomplete[i] for i in order if 0 not in incomplete[i]]
    found = []
    for rows in (mixed, without):
        if rows:
            found.append([rows[i % len(rows)] for i in range(examples)])
    return found


def _presence(pattern, count):
    """Boolean `(examples, count)` of a list of the modalities of each example."""
    return np.array([[row in rows for row in range(count)] for rows in pattern])


def _take(inputs, rows, count):
    """Folded inputs with some of the modalities."""

    def take(x):
        x = np.asarray(x)
        x = x.reshape(-1, count, *x.shape[1:])[:, list(rows)]
        return x.reshape(-1, *x.shape[2:])

    return keras.tree.map_structure(take, inputs)


def _of_example(outputs, example, rows, examples, count):
    """What belongs to one example and some of its modalities, flat.

    Outputs are folded `(examples * count, ...)`, have one entry for each example, or are a list
    with a tensor for each modality.
    """
    flat = keras.tree.flatten(outputs)
    by_modality = isinstance(outputs, list | tuple) and len(flat) == count > 1
    if by_modality and all(len(x) == examples for x in flat):
        places = [keras.ops.reshape(flat[row][example], (-1,)) for row in rows]
        return [keras.ops.concatenate(places)]
    found = []
    for x in flat:
        if len(x) == examples * count:
            places = [keras.ops.reshape(x[example * count + row], (-1,)) for row in rows]
            found.append(keras.ops.concatenate(places))
        else:
            require(
                len(x) == examples,
                f"An output has {len(x)} entries, neither one for each of {examples} examples nor "
                f"for each of their {count} modalities.",
            )
            found.append(keras.ops.reshape(x[example], (-1,)))
    return found
