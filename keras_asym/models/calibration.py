import itertools

import numpy as np
from keras import ops

from keras_asym.keras_internals import operation_of
from keras_asym.layers import ModalityEnsemble, SelectedModalities
from keras_asym.layers.modality_layer import only_rows
from keras_asym.models.inputs import at_least_float32
from keras_asym.ops import beside, fold


class Calibration:
    """How sure a Segmenter is, by a temperature for each subset of its modalities.

    A network with fewer sensors is not only worse, it is also wrongly sure in another way. The
    logits of each output are divided by the temperature of the modalities that an example has
    (temperature scaling, Guo et al. 2017,
    [arXiv 1706.04599](https://arxiv.org/abs/1706.04599)); the classes stay what they are.
    `fit_temperature` gives temperatures; without any they are 1.

    At one probability a network is right more often about some classes than about others, of which
    a temperature knows nothing. `by_class` mends the confidence of each class `c` that is answered:
    its log-odds become `slope_c * log(p / (1 - p)) + offset_c` (Platt scaling, conditional on the
    class as in Gupta and Ramdas 2022, [arXiv 2107.08353](https://arxiv.org/abs/2107.08353)).
    `fit_confidence` gives slopes and offsets. Probabilities and uncertainty keep the temperature
    alone.

    Args:
        modality_names: Names of all modalities of the model, in order.
        temperatures: Dictionary of subset (tuple of names) -> dictionary of output name ->
            temperature. A subset that is not among them takes those of the one that differs in the
            fewest modalities, of these the largest, and the first of the dictionary.
        by_class: Dictionary of subset -> dictionary of output name -> `(slopes, offsets)`, each of
            `(num_classes,)`, for subsets and outputs that have a temperature.

    Raises:
        ValueError: If a subset or an output is none of the model's, a temperature is no finite
            number above 0, slopes are no finite numbers of at least 0, or offsets not finite.

    Example:

    >>> calibration = keras_asym.models.Calibration(
    ...     ("rgb", "depth"), {("rgb", "depth"): {"ensemble": 2.0}, ("rgb",): {"ensemble": 4.0}})
    >>> calibration.temperature("ensemble", ("rgb",))
    4.0
    >>> present = keras.ops.array([[True, True], [True, False]])
    >>> [float(x) for x in calibration.temperature("ensemble", presence=present)]
    [2.0, 4.0]
    """

    def __init__(self, modality_names, temperatures=None, by_class=None):
        self.modality_names = tuple(modality_names)
        self.temperatures = {
            _checked_subset(subset, self.modality_names): _checked(outputs, subset)
            for subset, outputs in (temperatures or {}).items()
        }
        self.by_class = {
            (_checked_subset(subset, self.modality_names), key): _checked_lines(key, lines)
            for subset, outputs in (by_class or {}).items()
            for key, lines in outputs.items()
        }
        for subset, key in self.by_class:
            if key not in self.temperatures.get(subset, ()):
                raise ValueError(
                    "`by_class` must be of subsets and outputs that have a temperature. Received: "
                    f"{key!r} of {sorted(subset)}"
                )

    def temperature(self, key, names=None, presence=None):
        """The temperature of an output.

        Args:
            key: Name of the output, a modality or `"ensemble"`.
            names: Names of the modalities of the model at hand, which `select` may have made; all
                by default.
            presence: Boolean `(batch, len(names))`: which of them each example has; `None` for all.

        Returns:
            A number; with `presence` a float32 tensor `(batch,)`, chosen in the graph.
        """
        return self._of_subset(lambda x: self._temperature(key, x), names, presence)

    def _of_subset(self, value, names, presence):
        """A function's value of the subset at hand, or of each example's."""
        names = self.modality_names if names is None else tuple(names)
        if presence is None:
            return value(names)
        subsets = itertools.product((False, True), repeat=len(names))
        table = [value(tuple(itertools.compress(names, has))) for has in subsets]
        digits = np.array([2**power for power in reversed(range(len(names)))], "int32")
        number = ops.sum(ops.cast(presence, "int32") * digits, axis=1)
        return ops.take(ops.convert_to_tensor(np.array(table, "float32")), number, axis=0)

    def _nearest(self, key, names):
        """The subset whose numbers are taken for one; `None` if the output has none."""
        fitted = [subset for subset, outputs in self.temperatures.items() if key in outputs]
        here = frozenset(names)
        return min(fitted, key=lambda x: (len(here ^ x), -len(x)), default=None)

    def _temperature(self, key, names):
        subset = self._nearest(key, names)
        return 1.0 if subset is None else self.temperatures[subset][key]

    def _lines(self, key, classes, names):
        """Slopes and offsets `(2, num_classes)`."""
        lines = self.by_class.get((self._nearest(key, names), key))
        if lines is None:
            lines = np.stack([np.ones(classes), np.zeros(classes)])
        if lines.shape[1] != classes:
            raise ValueError(
                f"`by_class` must have a slope for each of the {classes} classes of the logits. "
                f"Received: {lines.shape[1]} for {key!r}"
            )
        return lines.astype("float32")

    def scaled(self, key, logits, names=None, presence=None):
        """Logits `(batch, height, width, num_classes)` divided by their temperature."""
        temperature = self.temperature(key, names, presence)
        if presence is not None:
            return logits / ops.reshape(temperature, (-1, 1, 1, 1))
        return logits if temperature == 1.0 else logits / temperature

    def confidence(self, key, logits, names=None, presence=None):
        """The largest probability, calibrated: what `predict` writes and a served model answers.

        Args:
            key: Name of the output.
            logits: `(batch, height, width, num_classes)`; log-probabilities are logits, too.
            names, presence: As in `temperature`.

        Returns:
            `(batch, height, width)`, in 0..1.
        """
        if self.by_class:
            log_odds = self.log_odds(key, logits, names, presence)
            return ops.cast(ops.sigmoid(log_odds), logits.dtype)
        logits = self.scaled(key, logits, names, presence)
        largest = ops.max(logits, axis=-1, keepdims=True)
        return 1.0 / ops.sum(ops.exp(logits - largest), axis=-1)

    def log_odds(self, key, logits, names=None, presence=None):
        """`log(p / (1 - p))` of the confidence p, which tells apart what is 1 in float32.

        Args:
            key, logits, names, presence: As in `confidence`.

        Returns:
            `(batch, height, width)`, at least in float32.

        Raises:
            ValueError: If `by_class` is of another number of classes.
        """
        logits = at_least_float32(self.scaled(key, ops.convert_to_tensor(logits), names, presence))
        classes = logits.shape[-1]
        answered = ops.arange(classes) == ops.argmax(logits, axis=-1)[..., None]
        powers = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
        others = ops.sum(ops.where(answered, 0.0, powers), axis=-1)
        log_odds = -ops.log(ops.maximum(others, np.finfo("float32").tiny))
        lines = self._of_subset(lambda x: self._lines(key, classes, x), names, presence)
        slopes, offsets = (lines[..., row, :] for row in (0, 1))
        if presence is not None:
            slopes, offsets = (x[:, None, None] for x in (slopes, offsets))
        slopes, offsets = (
            ops.sum(ops.where(answered, ops.cast(x, logits.dtype), 0.0), axis=-1)
            for x in (slopes, offsets)
        )
        return slopes * log_odds + offsets

    def uncertainty(self, model, outputs, presence=None):
        """How much the branches disagree: the mutual information of class and branch, in nats.

        With the weights `w_m` that the ensemble gives the present branches, their probabilities
        `p_m = softmax(logits_m / T_m)` and the entropy `H(p) = -sum(p log p)` it is
        `H(sum_m w_m p_m) - sum_m w_m H(p_m)`: 0 where all branches agree, or only one is there,
        and at most the logarithm of the number of branches (as for the members of an ensemble in
        Lakshminarayanan et al. 2017, [arXiv 1612.01474](https://arxiv.org/abs/1612.01474)). The
        mixture is of probabilities, while the ensemble itself averages logits. Where the weights
        depend on the class, their mean over the classes is taken: this package's choice.

        Args:
            model: `Segmenter`.
            outputs: What the model has given, logits by output name.
            presence: Boolean `(batch, modalities)`: which of the model's modalities each example
                has; `None` for all.

        Returns:
            `(batch, height, width)`.

        Raises:
            ValueError: If the fusion strategy merges the modalities, so that there is no branch.
        """
        names = model.modality_names
        check_branches(model)
        if len(names) == 1:
            return ops.zeros_like(outputs["ensemble"][..., 0])
        weights = ensemble_weights(model, outputs, presence)
        mixture, within = 0.0, 0.0
        for row, name in enumerate(names):
            log_p = ops.log_softmax(self.scaled(name, outputs[name], names, presence), axis=-1)
            if presence is not None:  # the logits of what is absent mean nothing
                there = beside(presence[:, row, None], log_p)
                log_p = ops.where(there, log_p, 0.0)
            p = ops.exp(log_p)
            mixture = mixture + weights[:, row] * p
            within = within - weights[:, row, ..., 0] * ops.sum(p * log_p, axis=-1)
        tiny = np.finfo("float32").tiny
        entropy = -ops.sum(mixture * ops.log(ops.maximum(mixture, tiny)), axis=-1)
        return ops.maximum(entropy - within, 0.0)


def check_branches(model):
    """Raises `ValueError` if a Segmenter has no branches that could disagree."""
    if any(name not in model.output_keys for name in model.modality_names):
        raise ValueError(
            "`uncertainty` must be asked of a model with branches: the fusion strategy of "
            f"'{model.name}' merges the modalities. Leave it out, or use a strategy that keeps the "
            "branches apart"
        )


def ensemble_weights(model, outputs, presence=None):
    """Weights of the branches in the ensemble, `(batch or 1, modalities, height or 1, width or 1,
    1)`; 0 of what an example lacks."""
    mix = operation_of(model.network.output["ensemble"])
    rows, layer = None, mix
    if isinstance(mix, SelectedModalities):
        rows, layer = mix.selected, mix.layer
    if not isinstance(layer, ModalityEnsemble):
        raise ValueError(f"`model` must end in an ensemble. Received: model={model.name}")
    folded = None
    if layer.kind == "pixel":
        folded = fold([outputs[name] for name in model.modality_names])
    with only_rows(rows or range(layer.modalities)):
        weights = layer.weights_of(presence, folded)
    if layer.kind == "pixel":
        return weights
    weights = weights if presence is not None else weights[None]
    if layer.kind == "class":
        weights = ops.mean(weights, axis=-1)
    return weights[..., None, None, None]


def _checked_subset(subset, names):
    found = (subset,) if isinstance(subset, str) else tuple(subset)
    if not found or set(found) - set(names) or len(set(found)) < len(found):
        raise ValueError(
            f"`temperatures` must be of subsets of the modalities {list(names)}. "
            f"Received: {subset!r}"
        )
    return frozenset(found)


def _checked_lines(key, lines):
    try:
        lines = np.array(lines, "float64")
    except ValueError:  # of two lengths
        lines = np.zeros(0)
    if lines.ndim != 2 or len(lines) != 2 or not np.isfinite(lines).all() or (lines[0] < 0).any():
        raise ValueError(
            "`by_class` must be (slopes, offsets) of as many classes, finite numbers, slopes at "
            f"least 0. Received: {lines} for {key!r}"
        )
    return lines


def _checked(outputs, subset):
    subset = (subset,) if isinstance(subset, str) else tuple(subset)
    known = {*subset, "ensemble"}
    numbers = (x for x in outputs.values())
    if set(outputs) - known or not all(0 < x < np.inf for x in numbers):
        raise ValueError(
            f"`temperatures` of {list(subset)} must be finite numbers above 0 for outputs among "
            f"{sorted(known)}. Received: {outputs}"
        )
    return {key: float(value) for key, value in outputs.items()}
