"""A multimodal network proves that each of its branches, on its own, is the plain network."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_asym.keras_internals import nodes_of
from keras_asym.layers import PersistentDropout, TokenExchange

_SIZES = (32, 64, 224, 256, 512)  # the first that the network takes
_TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "bfloat16": 0.2, "float16": 0.05}
# Some networks enlarge rounding errors, which differ by the batch size: of the image, such a part
# is changed, and by so many times the change of the outputs the branches may differ.
_CHANGE, _ALLOWED, _NO_PROOF = 1e-4, 10, 0.5


def prove(network, core, private, count):
    """Raises an error unless the branches of the first and the last modality are the network.

    Private weights get values of their own in each row for the time of the test, so that a branch
    that reads another one's is found. An example has one modality alone, beside which its other
    places hold other images: a layer that looks at these, or across examples, is found.

    Args:
        network: Plain flat network.
        core: Model from folded images to folded features.
        private: List of `PrivateCopy`.
        count: Number of modalities.

    A network whose outputs depend on the last digits of the image proves nothing.

    Raises:
        ValueError: If a branch differs; names the layer where it does first.
    """
    if _inside_function():
        return
    rng = np.random.default_rng(0)
    chosen = sorted({0, count - 1})
    rows = _distinct_rows(private, count, rng)
    stack = contextlib.ExitStack()
    stack.enter_context(as_plain((*network.layers, *core.layers)))
    try:
        image, expected = _plain_outputs(network, rows, chosen, rng)
        if image is None:
            return
        tolerances = [
            _tolerance(network, rows, row, image, outputs, core.compute_dtype)
            for row, outputs in zip(chosen, expected, strict=True)
        ]
        folded = rng.standard_normal((len(chosen), count, *image.shape[1:])).astype("float32")
        presence = np.zeros((len(chosen), count), "bool")
        for example, row in enumerate(chosen):
            folded[example, row], presence[example, row] = image[0], True
        folded = ops.convert_to_tensor(folded.reshape(-1, *image.shape[1:]), core.inputs[0].dtype)
        try:
            outputs = core(folded, presence=ops.convert_to_tensor(presence), training=False)
        except Exception as error:
            raise ValueError(
                f"Network '{network.name}' does not run on a batch of folded modalities, though it "
                "runs on one image: does a layer count on a batch size? "
                f"{type(error).__name__}: {error}"
            ) from error
        for example, row in enumerate(chosen):
            error = _distance(outputs, expected[example], example * count + row)
            if tolerances[example] < _NO_PROOF and not error < tolerances[example]:
                raise ValueError(
                    f"The branch of modality {row} is not the network '{network.name}': with this "
                    f"modality alone its outputs differ by {error:.2g} of the largest. "
                    f"{_first_difference(network, core, folded, presence, rows, chosen)} "
                    "A layer that looks across the batch axis, in which modalities are folded, is "
                    "one cause; a fusion layer that uses modalities which are not present, or "
                    "changes one that is alone, another. If it is meant to be so, pass check=False."
                )
    finally:
        stack.close()
        for copy in private:
            copy.fill()


@contextlib.contextmanager
def as_plain(layers):
    """Inside, layers are off that draw random numbers at test time or scale what is alone."""
    off = {PersistentDropout: "at_test", TokenExchange: "scale_alone"}
    found = [(x, name) for x in layers for kind, name in off.items() if isinstance(x, kind)]
    before = [getattr(layer, name) for layer, name in found]
    for layer, name in found:
        setattr(layer, name, False)
    try:
        yield
    finally:
        for (layer, name), value in zip(found, before, strict=True):
            setattr(layer, name, value)


def _inside_function():
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.inside_function()


def _distinct_rows(private, count, rng):
    """Gives the rows of private weights distinct values.

    Returns:
        Dictionary of the `id` of a plain variable to the values of its rows.
    """
    rows = {}
    for copy in private:
        for variable, assign in copy.weights():
            value = ops.convert_to_numpy(variable).astype("float32")
            number = copy.private.modalities  # 1 where all share it
            values = value * rng.uniform(0.8, 1.2, (number, *value.shape))
            if "variance" not in variable.name:
                values = values + 0.1 * rng.standard_normal(values.shape)
            values = values.astype("float32")
            assign(values)
            rows[id(variable)] = np.broadcast_to(values, (count, *value.shape))
    return rows


def _plain_outputs(network, rows, chosen, rng):
    """A random image and the network's outputs for it, with the weights of each chosen row.

    Returns:
        The image and a list of outputs; `None` twice if the network gives no finite numbers, or
        others each time.
    """
    shape, too_small = network.inputs[0].shape[1:], None
    for size in _SIZES if None in shape else _SIZES[:1]:
        image = rng.standard_normal((1, *(size if x is None else x for x in shape)))
        image = ops.convert_to_tensor(image.astype("float32"), network.inputs[0].dtype)
        try:
            outputs = [_with_row(network, rows, row, image) for row in chosen]
        except Exception as error:
            too_small = too_small or error
            continue
        fixed = [x is not None and np.isfinite(x).all() for x in keras.tree.flatten(outputs)]
        return (image, outputs) if all(fixed) else (None, None)
    raise too_small


def _tolerance(network, rows, row, image, expected, dtype):
    """By how much the outputs of a branch may differ from the network's, relative to these."""
    change = np.random.default_rng(1).standard_normal(image.shape)
    nearly = _array(image) * (1 + _CHANGE * change.astype("float32"))
    outputs = _with_row(network, rows, row, ops.convert_to_tensor(nearly, image.dtype))
    return max(_TOLERANCE.get(dtype, 1e-3), _ALLOWED * _distance(outputs, expected, 0))


def _with_row(network, rows, row, image):
    def values(variables):
        return [
            rows[id(variable)][row] if id(variable) in rows else variable.value
            for variable in variables
        ]

    others = values(network.non_trainable_variables)
    outputs, after = network.stateless_call(
        values(network.trainable_variables),
        others,
        keras.tree.pack_sequence_as(network.input, [image]),
        training=False,
    )
    for variable, old, new in zip(network.non_trainable_variables, others, after, strict=True):
        if "seed" in variable.name and not np.array_equal(_array(old), _array(new)):
            return None  # it draws random numbers
    return keras.tree.map_structure(_array, outputs)


def _array(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def _distance(outputs, expected, place):
    """Largest difference of the entries at a place of the folded axis, relative to the largest."""
    distances = [0.0]
    for x, y in zip(keras.tree.flatten(outputs), keras.tree.flatten(expected), strict=True):
        x = _array(x)[place : place + len(y)]
        if x.shape != y.shape:
            return np.inf
        distances.append(np.abs(x - y).max() / max(np.abs(y).max(), 1e-6))
    return max(distances)


def _first_difference(network, core, folded, presence, rows, chosen):
    """A sentence that names the first layer whose outputs differ."""
    ours = {node.operation.name: node.outputs for node in nodes_of(core)}
    names = [x.operation.name for x in nodes_of(network) if x.operation.name in ours]
    theirs = {node.operation.name: node.outputs for node in nodes_of(network)}
    plain = keras.Model(network.inputs, [theirs[name] for name in names])
    clone = keras.Model(core.inputs, [ours[name] for name in names])
    outputs = clone(folded, presence=ops.convert_to_tensor(presence), training=False)
    count = presence.shape[1]
    for example, row in enumerate(chosen):
        image = folded[example * count + row : example * count + row + 1]
        expected = _with_row(plain, rows, row, image)
        for name, x, y in zip(names, outputs, expected, strict=True):
            if not _distance(x, y, example * count + row) < 1e-3:
                return f"The first layer that differs is '{name}'."
    return ""
