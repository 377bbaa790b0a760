import itertools

import numpy as np
from keras import ops

from keras_asym.keras_internals import operation_of
from keras_asym.layers import ModalityEnsemble, SelectedModalities
from keras_asym.layers.modality_layer import only_rows
from keras_asym.ops import beside, fold


class Calibration:
    """How sure a Segmenter is, by a temperature for each subset of its modalities.

    A network with fewer sensors is not only worse, it is also wrongly sure in another way. The
    logits of each output are divided by the temperature of the modalities that an example has
    (temperature scaling, Guo et al. 2017,
    [arXiv 1706.04599](https://arxiv.org/abs/1706.04599)); the classes stay what they are.
    `fit_temperature` gives temperatures; without any they are 1.

    Args:
        modality_names: Names of all modalities of the model, in order.
        temperatures: Dictionary of subset (tuple of names) -> dictionary of output name ->
            temperature. A subset that is not among them takes those of the one that differs in the
            fewest modalities, of these the largest, and the first of the dictionary.

    Raises:
        ValueError: If a subset or an output is none of the model's, or a temperature is no finite
            number above 0.

    Example:

    >>> calibration = keras_asym.models.Calibration(
    ...     ("rgb", "depth"), {("rgb", "depth"): {"ensemble": 2.0}, ("rgb",): {"ensemble": 4.0}})
    >>> calibration.temperature("ensemble", ("rgb",))
    4.0
    >>> present = keras.ops.array([[True, True], [True, False]])
    >>> [float(x) for x in calibration.temperature("ensemble", presence=present)]
    [2.0, 4.0]
    """

    def __init__(self, modality_names, temperatures=None):
        self.modality_names = tuple(modality_names)
        self.temperatures = {
            _checked_subset(subset, self.modality_names): _checked(outputs, subset)
            for subset, outputs in (temperatures or {}).items()
        }

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
        names = self.modality_names if names is None else tuple(names)
        if presence is None:
            return self._nearest(key, names)
        subsets = itertools.product((False, True), repeat=len(names))
        table = [self._nearest(key, itertools.compress(names, has)) for has in subsets]
        digits = np.array([2**power for power in reversed(range(len(names)))], "int32")
        number = ops.sum(ops.cast(presence, "int32") * digits, axis=1)
        return ops.take(ops.convert_to_tensor(np.array(table, "float32")), number)

    def _nearest(self, key, names):
        fitted = [subset for subset, outputs in self.temperatures.items() if key in outputs]
        if not fitted:
            return 1.0
        here = frozenset(names)
        subset = min(fitted, key=lambda subset: (len(here ^ subset), -len(subset)))
        return self.temperatures[subset][key]

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
        logits = self.scaled(key, logits, names, presence)
        largest = ops.max(logits, axis=-1, keepdims=True)
        return 1.0 / ops.sum(ops.exp(logits - largest), axis=-1)

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
