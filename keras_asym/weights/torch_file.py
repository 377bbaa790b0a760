import contextlib
import pickle
import re
import zipfile

from keras_asym.weights.untrusted import RefusedError, check_members, check_size

# What a pickled NumPy scalar calls, in NumPy 1 and in NumPy 2: published programs store their best
# score so, beside the weights.
_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")


class _Ignored:
    """Takes the place of a NumPy scalar and its dtype, which nobody asks for."""

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        pass


def read_torch(torch, path):
    """Reads a PyTorch file without executing what it holds.

    Args:
        torch: The module.
        path: The file, a `pathlib.Path`.

    Returns:
        Dictionary of name -> NumPy array; floating point in low precision is float32, as NumPy has
        no bfloat16.

    Raises:
        RefusedError: If the pickle calls anything but what builds tensors, plain containers and
            NumPy scalars; if it inflates beyond reason (an expanded tensor, too, has few values in
            the file and many in memory); or if an entry is no plain tensor.
        TypeError: If it holds no dictionary.
    """
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":  # by which PyTorch, too, tells the formats apart
            with zipfile.ZipFile(path) as archive:
                check_members(path, archive)
    with torch.serialization.safe_globals([(_Ignored, name) for name in _SCALARS]), _explained():
        state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("segmenter", "state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise TypeError(f"a dictionary of tensors is needed, not {type(state).__name__}")
    tensors = {name: x.detach() for name, x in state.items() if isinstance(x, torch.Tensor)}
    check_size(path, {name: _size(torch, name, x) for name, x in tensors.items()})
    return {name: _array(name, x) for name, x in tensors.items()}


@contextlib.contextmanager
def _explained():
    """Names the call for which PyTorch has refused a pickle."""
    try:
        yield
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+) (?:was not an allowed|whose module)", str(error))
        if not found:
            raise
        raise RefusedError(
            f"it holds more than tensors, numbers and text: {found[1]}, and to load that would run "
            "code. Where you trust the file, save its state dict alone (torch.save)."
        ) from error


def _size(torch, name, x):
    """Bytes that a tensor takes as an array."""
    if x.layout != torch.strided or x.is_quantized or x.device.type != "cpu" or x.is_nested:
        raise RefusedError(
            f"its entry '{name}' is no plain tensor, but quantized, sparse, nested or without "
            f"values (dtype {x.dtype}, layout {x.layout}, device {x.device})."
        )
    return x.numel() * max(x.element_size(), 4)


def _array(name, x):
    try:
        return (x.float() if x.is_floating_point() else x).numpy()
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"entry '{name}': {error}") from error
