"""The checks of `check_layer` that concern layers which look at several modalities."""

import dataclasses
import itertools

import keras
import numpy as np

from keras_asym.layers import SelectedModalities
from keras_asym.testing.layer_checks import symbolic_inputs
from keras_asym.testing.running import (
    arrays,
    failing,
    gradients,
    require,
    require_equal,
    uneven_sum,
)


def check_one_modality(case):
    """With one modality, and for an example that has one alone, nothing is changed."""
    one = dataclasses.replace(case, modalities=1)
    inputs = one.inputs(1)
    require_equal(one.layer()(inputs), inputs, f"{one.name} modality beside its input", 1e-6)
    layer, inputs = case.pair()[0], case.inputs(case.modalities)
    examples = len(keras.tree.flatten(inputs)[0]) // case.modalities
    alone = [(index % case.modalities,) for index in range(examples)]
    outputs = _numbers(layer(inputs, presence=_presence(alone, case.modalities)))
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
    some = {(0,), (count - 1,), tuple(sorted({0, count - 1})), tuple(range(1, count))}
    for rows in sorted(some - {()}):
        for kwargs in case.settings():
            layer, other = case.pair()
            with failing(f"{case.name} in SelectedModalities on {rows}"):
                selected = SelectedModalities(other, rows)(_take(inputs, rows, count), **kwargs)
            outputs = layer(inputs, presence=_presence([rows] * examples, count), **kwargs)
            selected, outputs = _numbers(selected), _numbers(outputs)
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
        layer, other = case.pair()
        found = layer(inputs, presence=everything, **kwargs)
        what = f"{case.name} with everything present, beside presence=None"
        require_equal(found, other(inputs, **kwargs), what, tolerance)
        require_equal(layer.weights, other.weights, f"Weights of {what}", tolerance)
    layer, _ = case.pair()
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
    layer, _ = case.pair()
    outputs = _numbers(layer(inputs, presence=_presence(pattern, count)))
    for example, rows in enumerate(pattern):
        own = keras.tree.map_structure(lambda x, i=example: x[i * count : (i + 1) * count], inputs)
        alone = _numbers(SelectedModalities(layer, rows)(_take(own, rows, count)))
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
    private = case.rows_of_weights
    absent = ~presence.reshape(-1)
    rng = np.random.default_rng(1)

    def changed(x):
        x = np.array(x)
        x[absent] = 100 * rng.standard_normal(x[absent].shape)
        return x

    others = keras.tree.map_structure(changed, inputs)
    for kwargs in case.settings():
        layer, other = case.pair()
        before = [arrays(w)[0] for w in layer.weights]
        outputs = _numbers(layer(inputs, presence=presence, **kwargs))
        found = _numbers(other(others, presence=presence, **kwargs))
        what = f"{case.name} depends on what stands in the place of an absent modality"
        for example, rows in enumerate(pattern):
            y, x = (_of_example(z, example, rows, examples, count) for z in (found, outputs))
            require_equal(y, x, what, 1e-6)
        require_equal(other.weights, layer.weights, f"Weights: {what}", 1e-6)
        for index, (weight, old) in enumerate(zip(layer.weights, before, strict=True)):
            for row in set(range(count)) - set(itertools.chain(*pattern)):
                if index in private and not weight.trainable:
                    require_equal(
                        arrays(weight)[0][row],
                        old[row],
                        f"{case.name} changes '{weight.name}' of modality {row}, which nobody has",
                    )


def _check_gradients_of_absent(case, pattern):
    inputs, count, examples = case.inputs(case.modalities), case.modalities, len(pattern)
    presence = _presence(pattern, count)
    private = case.rows_of_weights

    def loss(outputs):
        return uneven_sum(
            [_of_example(outputs, i, rows, examples, count) for i, rows in enumerate(pattern)]
        )

    for kwargs in case.settings():
        layer, _ = case.pair()
        of_rows = {w.path for index, w in enumerate(layer.weights) if index in private}
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
                    name not in of_rows or not value[row].any(),
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
        return [_joined([flat[row][example] for row in rows])]
    found = []
    for x in flat:
        if len(x) == examples * count:
            found.append(_joined([x[example * count + row] for row in rows]))
        else:
            require(
                len(x) == examples,
                f"An output has {len(x)} entries, neither one for each of {examples} examples nor "
                f"for each of their {count} modalities.",
            )
            found.append(_joined([x[example]]))
    return found


def _joined(parts):
    operations = np if isinstance(parts[0], np.ndarray | np.generic) else keras.ops
    return operations.concatenate([operations.reshape(x, (-1,)) for x in parts])


def _numbers(outputs):
    """As NumPy's arrays, of which parts can be taken without anything being compiled."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)
