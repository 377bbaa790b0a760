"""Starting from a run that had other classes, other modalities or another head."""

import numpy as np
from keras import ops

from keras_asym.fusion import modality_names
from keras_asym.weights import named_variables

_LISTED = 12


def load_fitting_weights(model, run):
    """Copies the weights of a run that a model has, too; the rest keep their initial values.

    A weight is copied where a layer of the same name has one of the same name and shape. Of private
    norms and of the ensemble, each modality that both know takes its own row.

    Args:
        model: `Segmenter` or `Translator`.
        run: `recipes.run_folder.RunFolder` with a `best.keras`.

    Returns:
        What was loaded and what was not, in words.

    Raises:
        ValueError: If nothing fits.
    """
    other = run.load("best")
    names, known = modality_names(model.network), modality_names(other.network)
    old = named_variables(other)
    loaded, left = [], []
    for key, variable in named_variables(model).items():
        value = None
        if key in old:
            value = _fitted(key, variable, old[key], names, known)
        if value is None:
            left.append(variable.path)
        else:
            variable.assign(value)
            loaded.append(variable.path)
    if not loaded:
        raise ValueError(
            f"`config.init` must be a run of a similar network. Received: {run.path}, of which no "
            "weight fits"
        )
    unused = sorted(".".join(key) for key in set(old) - set(named_variables(model)))
    text = f"From {run.path}: {len(loaded)} weights loaded."
    text += _listed("Kept as they were initialized", left)
    return text + _listed("Not used", unused)


def _fitted(key, variable, old, names, known):
    """The value for a variable, or `None` where the old one does not fit."""
    value, shape = ops.convert_to_numpy(old), tuple(variable.shape)
    private = value.shape[:1] == (len(known),) and shape[:1] == (len(names),)
    private = private and (len(shape) <= 2 or key[0] == "ensemble")  # and no convolution's kernel
    if not (private and value.shape[1:] == shape[1:]):
        return value if value.shape == shape else None
    rows = np.array(ops.convert_to_numpy(variable))
    shared = [name for name in names if name in known]
    for name in shared:
        rows[names.index(name)] = value[known.index(name)]
    return rows if shared else None


def _listed(words, paths):
    if not paths:
        return ""
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    return f"\n  {words}: {', '.join(paths[:_LISTED])}{more}"
