import re

import numpy as np

from keras_asym.networks import ENCODER_VARIABLES
from keras_asym.weights.entries import check_names, refuse, shape_of, to_array, to_finite
from keras_asym.weights.named_variables import named_variables
from keras_asym.weights.names import locate
from keras_asym.weights.reading import read_state_dict
from keras_asym.weights.translator_names import is_unused, locate_translator

_NORM = re.compile(r".*_(bn|norm\d?)")
_SCORES = re.compile(r"token_scores\d+")


def load_reference_checkpoint(model, path):
    """Loads a published checkpoint file; see `load_reference_state_dict`.

    Args:
        model: As in `load_reference_state_dict`.
        path: `.pth`, `.pth.tar`, `.pt`, `.safetensors` or `.npz` file (`read_state_dict`).
    """
    load_reference_state_dict(model, read_state_dict(path))


def load_reference_state_dict(model, state_dict):
    """Copies the parameters of a published network into a model.

    Args:
        model: `Segmenter`, or a model made by `to_multimodal`, on a `RefineNet`; or a `Translator`
            on a `UNetGenerator` and a `PatchDiscriminator`.
        state_dict: Dictionary of published name (with or without the prefix `module.`) -> array
            in PyTorch's layout. For a `Translator`, names have the prefix `generator.` or
            `discriminator.`. Entries that nothing uses are accepted: `num_batches_tracked`, and in
            translation the norms of the outermost and innermost blocks and running statistics that
            the model does not keep.

    Raises:
        ValueError: If an entry is missing, unexpected, wrongly shaped, there twice, or not of
            finite real numbers; lists them. The model is then unchanged.
    """
    find = locate_translator if hasattr(model, "discriminator") else locate
    assign_entries(model, state_dict, ".*", find)


def load_imagenet_checkpoint(model, path):
    """Loads a torchvision ResNet file into the encoder; see `load_imagenet_state_dict`."""
    load_imagenet_state_dict(model, read_state_dict(path))


def load_imagenet_state_dict(model, state_dict):
    """Copies a torchvision ResNet into the encoder, its norms to every modality.

    Args:
        model: `ResNet`, `RefineNet`, what `to_multimodal` makes of them, or a `Segmenter`.
        state_dict: torchvision's state dict, name -> array in PyTorch's layout. The classification
            head (`fc.*`) is not used.

    Raises:
        ValueError: If an entry of the encoder is missing, unexpected, wrongly shaped, there twice,
            or not of finite real numbers; lists them. The model is then unchanged.
    """
    check_names(state_dict)
    head = ("fc.", "module.fc.")
    encoder = {name: x for name, x in state_dict.items() if not name.startswith(head)}
    assign_entries(model, encoder, ENCODER_VARIABLES, locate)


def _without_prefix(state_dict):
    check_names(state_dict)
    entries = {}
    for name, entry in state_dict.items():
        short = name.removeprefix("module.")
        if short in entries:
            raise ValueError(
                f"`state_dict` must have each entry once. Received: '{short}' with and without the "
                "prefix 'module.'"
            )
        if not short.endswith("num_batches_tracked"):
            entries[short] = entry
    return entries


def assign_entries(model, state_dict, required, locate):
    """Plans every assignment, raises if one does not fit, and only then writes.

    Args:
        model: Network or model.
        state_dict: Dictionary of name, with or without the prefix `module.`, -> array in PyTorch's
            layout.
        required: Regular expression for the paths of the variables that must get a value.
        locate: Function of a name without that prefix that returns its `Place`, or `None`.

    Raises:
        ValueError: Lists what is missing, unexpected, wrongly shaped, there twice, or not of finite
            real numbers.
    """
    state_dict = _without_prefix(state_dict)
    variables = named_variables(model)
    is_translator = hasattr(model, "discriminator")
    values, problems = {}, []
    for name, entry in state_dict.items():
        place = locate(name)
        variable = variables.get(place.variable) if place else None
        if variable is None:
            if is_translator and is_unused(place, variables):
                continue
            problems.append(f"unexpected: {name} {shape_of(entry)}")
            continue
        count = _private_rows(variable, place.layer)
        if place.modality is not None and place.modality >= max(count, 1):
            problems.append(
                f"unexpected: {name} {shape_of(entry)}, as the model's number of modalities is "
                f"{max(count, 1)}"
            )
            continue
        try:
            array = _to_keras_layout(to_array(entry), variable)
            rows = _rows(variable, place.modality, array.shape, count)
            if rows is None:
                problems.append(
                    f"wrong shape: {name} {shape_of(entry)} for {variable.path} "
                    f"{tuple(variable.shape)}"
                )
                continue
            array = to_finite(array)
        except ValueError as error:
            problems.append(f"not usable: {name} {error}")
            continue
        found = values.setdefault(place.variable, {})
        if found.keys() & set(rows):
            problems.append(f"twice: {name} for {variable.path}, which another entry is for, too")
        found.update(dict.fromkeys(rows, array))
    problems += _missing(variables, values, required)
    refuse(
        problems,
        f"the model '{model.name}'",
        "check backbone, number of classes and of modalities",
    )
    for key, rows in values.items():
        value = rows[None] if None in rows else np.stack([rows[m] for m in sorted(rows)])
        variables[key].assign(value)


def _private_rows(variable, layer_name):
    """Number of modalities of a private weight, 0 for one that is shared."""
    shape = variable.shape
    if _SCORES.fullmatch(layer_name):
        return shape[0]
    return shape[0] if len(shape) == 2 and _NORM.fullmatch(layer_name) else 0


def _rows(variable, modality, shape, count):
    """The rows that an array is for, `[None]` without rows, or `None` where it does not fit."""
    of = tuple(variable.shape)
    if count and of[1:] == shape:  # without a number: one norm for every modality
        return list(range(count)) if modality is None else [modality]
    return [None] if not count and of == shape else None


def _missing(variables, values, required):
    for (layer_name, weight_name), variable in variables.items():
        if not re.fullmatch(required, variable.path):
            continue
        rows = values.get((layer_name, weight_name), {})
        lacking = [m for m in range(_private_rows(variable, layer_name)) if m not in rows]
        if not rows or lacking:
            which = f" of modalities {lacking}" if lacking else ""
            yield f"missing: {variable.path} {tuple(variable.shape)}{which}"


def _to_keras_layout(array, variable):
    if array.ndim == 4 and len(variable.shape) == 4:
        # (out, in, h, w) -> (h, w, in, out); transposed: (in, out, h, w) -> (h, w, out, in)
        return array.transpose(2, 3, 1, 0)
    return array
