"""The single checks of `check_strategy`."""

import dataclasses
import functools
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_asym.fusion import FusionStrategy, select_modalities, to_multimodal
from keras_asym.fusion.proof import as_plain
from keras_asym.testing.presence_checks import subsets
from keras_asym.testing.running import (
    arrays,
    failing,
    gradients,
    images,
    randomize,
    require,
    require_equal,
    uneven_sum,
)

_TOLERANCE = 1e-4
_SIZE = 32  # pixels, where the network takes images of any size


@dataclasses.dataclass(frozen=True)
class Case:
    """A strategy under check, on a network for a number of modalities."""

    fusion: FusionStrategy
    network: keras.Model
    modalities: int

    @property
    def names(self):
        return [f"sensor{index}" for index in range(self.modalities)]

    @property
    def name(self):
        return f"{type(self.fusion).__name__} for {self.modalities}"

    @property
    def examples(self):
        return max(2, self.modalities)

    def model(self):
        """A multimodal model as it is made; it is proved here and not in `to_multimodal`."""
        channels = self.network.inputs[0].shape[-1]
        with failing(f"{self.name}: to_multimodal fails"):
            return to_multimodal(
                self.network,
                dict.fromkeys(self.names, channels),
                self.fusion,
                ensemble=not keras.tree.is_nested(self.network.output),
                check=False,
            )

    @functools.cached_property
    def trained(self):
        """A model whose modalities have weights of their own."""
        return randomize(self.model())

    def merges(self, model):
        """Whether the modalities are one stream at the end of a model of the case."""
        return self.names[0] not in model.output

    def images(self, seed=0):
        """Images of each modality."""
        size = [_SIZE if x is None else x for x in self.network.inputs[0].shape[1:]]
        return {
            name: images(self.examples, *size, seed=100 * seed + index)
            for index, name in enumerate(self.names)
        }


def check_config(fusion):
    """The strategy is made again by its config."""
    name = type(fusion).__name__
    with failing(f"{name} is not made again by its config"):
        saved = keras.saving.serialize_keras_object(fusion)
        again = keras.saving.deserialize_keras_object(saved)
    require(type(again) is type(fusion), f"{name} becomes a {type(again).__name__}.")
    require(
        again.get_config() == fusion.get_config(),
        f"{name} has another config when it is made again: {again.get_config()}, not "
        f"{fusion.get_config()}.",
    )


def check_branches(case):
    """Each branch alone is the plain network, if the strategy leaves branches."""
    model, x = case.model(), case.images()
    if case.merges(model):
        return
    for row, name in enumerate(case.names):
        presence = np.zeros((case.examples, case.modalities), bool)
        presence[:, row] = True
        with as_plain(model.layers):
            outputs = model(x, presence=presence, training=False)
        require_equal(
            outputs[name],
            case.network(x[name], training=False),
            f"{case.name}: the branch of modality {row}, alone, beside the plain network",
            _TOLERANCE,
        )


def check_presence(case):
    """Whoever is present, the model gives each example what `select` and the example alone give."""
    model, x = case.trained, case.images()
    rows_of = subsets(case.modalities)
    selected = {}
    for rows in rows_of:
        selected[rows] = _on(case, rows)
        presence = np.zeros((case.examples, case.modalities), bool)
        presence[:, rows] = True
        _compare(
            _outputs(case, model(x, presence=presence, training=False), rows),
            _outputs(case, selected[rows](_images_of(case, x, rows), training=False), rows),
            f"{case.name}: presence of the modalities {rows}, beside select_modalities",
        )
    # Each example with others, the first with all: the last subsets are the large ones.
    pattern = [rows_of[-1 - (i % len(rows_of))] for i in range(case.examples)]
    presence = np.zeros((case.examples, case.modalities), bool)
    nothing = {name: value.copy() for name, value in x.items()}
    for example, rows in enumerate(pattern):
        presence[example, list(rows)] = True
        for row in set(range(case.modalities)) - set(rows):
            nothing[case.names[row]][example] = np.nan
    outputs = model(x, presence=presence, training=False)
    without = model(nothing, presence=presence, training=False)
    for example, rows in enumerate(pattern):
        one = {name: value[example : example + 1] for name, value in x.items()}
        alone = selected[rows](_images_of(case, one, rows), training=False)
        found = _outputs(case, outputs, rows, example)
        _compare(
            found,
            _outputs(case, alone, rows, 0),
            f"{case.name}: an example with the modalities {rows} in a batch, beside this example "
            "and these modalities alone. Does a layer mix examples, or use modalities that are "
            "absent?",
        )
        _compare(
            _outputs(case, without, rows, example),
            found,
            f"{case.name}: depends on what stands in the place of an absent modality",
        )


def check_gradients(case):
    """No gradient of what is present reaches what is absent; each one is finite."""
    presence = np.ones((case.examples, case.modalities), bool)
    if case.modalities > 1:
        presence[0, 0] = presence[1, 1] = False

    def loss(outputs):
        return uneven_sum(
            [
                _outputs(case, outputs, np.flatnonzero(presence[i]).tolist(), i)
                for i in range(case.examples)
            ]
        )

    x = case.images()
    of_weights, of_inputs = gradients(case.trained, x, loss, presence=presence, training=False)
    for name, value in of_weights.items():
        require(np.isfinite(value).all(), f"{case.name}: the gradient of {name} is not finite.")
    for name, value in zip(sorted(x), of_inputs, strict=True):
        absent = ~presence[:, case.names.index(name)]
        require(
            not value[absent].any(),
            f"{case.name}: a gradient reaches the image of {name} where it is absent.",
        )


def check_saving(case):
    """The model gives the same after saving and loading, without unsafe code."""
    x = case.images()
    with failing(f"{case.name}: not saved and loaded"), tempfile.TemporaryDirectory() as folder:
        case.trained.save(Path(folder, "model.keras"))
        loaded = keras.saving.load_model(Path(folder, "model.keras"), safe_mode=True)
    _compare(
        loaded(x, training=False), case.trained(x, training=False), f"{case.name}: after loading"
    )


def check_export(case):
    """The inference form of a `Segmenter` gives what the model gives; on TensorFlow."""
    network = case.network
    if keras.backend.backend() != "tensorflow" or keras.tree.is_nested(network.output):
        return
    if len(network.output.shape) != 4 or network.output.shape[1:3] == (1, 1):
        return
    from keras_asym.export import InferenceForm
    from keras_asym.models import Segmenter

    model = Segmenter(case.trained)
    x = case.images()
    with failing(f"{case.name}: InferenceForm fails"):
        found = InferenceForm(model)(x)
    expected = model(x, training=False)
    _compare({name: found[name] for name in expected}, expected, f"{case.name}: the inference form")


def _on(case, rows):
    with failing(f"{case.name}: select_modalities fails on {rows}"):
        return select_modalities(case.trained, [case.names[row] for row in rows])


def _images_of(case, x, rows):
    return {case.names[row]: x[case.names[row]] for row in rows}


def _outputs(case, outputs, rows, example=None):
    """Outputs of the modalities `rows` and the ensemble, of one example."""
    keys = [key for key in outputs if key in {case.names[row] for row in rows} | {"ensemble"}]
    found = {key: outputs[key] for key in keys}
    if example is None:
        return found
    return keras.tree.map_structure(lambda x: x[example], found)


def _compare(actual, expected, what):
    """Compares relative to the largest number: layers behind one another add rounding."""
    scale = max(np.abs(x).max() for x in arrays(expected))
    actual, expected = (
        keras.tree.map_structure(lambda x: ops.cast(x, "float32") / scale, structure)
        for structure in (actual, expected)
    )
    require_equal(actual, expected, what, _TOLERANCE)
