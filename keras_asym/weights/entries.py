"""Entries of a state dict: all are looked at before the first one changes a model."""

import collections.abc

import numpy as np

_LISTED = 20


def check_names(state_dict):
    """Raises `ValueError` unless a state dict is a dictionary whose keys are names."""
    if not isinstance(state_dict, collections.abc.Mapping):
        raise ValueError(
            "`state_dict` must be a dictionary of published name -> array. Received: "
            f"{type(state_dict).__name__}"
        )
    for name in state_dict:
        if not isinstance(name, str):
            raise ValueError(f"`state_dict` must have strings as keys. Received: the key {name!r}")


def shape_of(entry):
    """Shape of an entry of any kind, for messages."""
    return tuple(getattr(entry, "shape", ()))


def to_array(entry):
    """An entry as an array of real numbers.

    Raises:
        ValueError: If it is none, but strings, complex or raw bytes, for example; says what.
    """
    try:
        array = np.asarray(entry)
    except Exception as error:  # tensors of other packages raise errors of many kinds
        raise ValueError(f"cannot be made an array ({type(error).__name__}: {error})") from error
    registered = array.dtype.isbuiltin == 2  # by another package: bfloat16
    if array.dtype.kind in "biuf" or registered:
        return array
    advice = ""
    if array.dtype.kind == "V":
        advice = " (NumPy's files lose bfloat16: save as float32)"
    raise ValueError(f"has dtype {array.dtype}{advice}, and must be real numbers")


def to_finite(array):
    """Numbers of an entry as floating point of a kind that NumPy has.

    Raises:
        ValueError: If some are not finite as float32.
    """
    with np.errstate(over="ignore"):
        value = array.astype("float32")
    broken = value.size - np.count_nonzero(np.isfinite(value))
    if broken:
        raise ValueError(f"has NaN or infinity in {broken} of its {value.size} values")
    return array if array.dtype.kind == "f" else value


def refuse(problems, whole, advice):
    """Raises a `ValueError` that lists problems, if there are any.

    Args:
        problems: List of lines.
        whole: What the state dict does not fit.
        advice: What to check.
    """
    if not problems:
        return
    more = f"\n  ... and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
    raise ValueError(
        f"The state dict does not fit {whole} ({len(problems)} problems; {advice}):\n  "
        + "\n  ".join(problems[:_LISTED])
        + more
    )
