import pathlib

from keras_asym.optional import import_optional
from keras_asym.weights.npz import read_npz
from keras_asym.weights.safetensors_file import read_safetensors
from keras_asym.weights.torch_file import read_torch
from keras_asym.weights.untrusted import RefusedError


def read_state_dict(path):
    """Reads a checkpoint file into a flat dictionary of name -> NumPy array.

    The file may come from anywhere: nothing in it is executed, and what it says of its sizes is
    checked before it takes memory.

    Args:
        path: `.npz`, `.safetensors` (needs the `safetensors` package), or `.pth`, `.pth.tar`, `.pt`
            (need PyTorch: `pip install keras_asym[torch]`; read with `weights_only=True` and, as
            published programs store their best score so, NumPy scalars, which are passed over). A
            training checkpoint's `segmenter`, `state_dict` or `model` entry is taken.

    Returns:
        Dictionary of name -> array as it is stored; bfloat16 and the like, which NumPy lacks, are
        float32.

    Raises:
        ValueError: If the file's format is not one of these, or it cannot be read (cut short,
            damaged, or a pickle of more than tensors), would take far more memory than its size, or
            holds no arrays. Names the file, the entry and the cause.
        ImportError: If the reader's package is not installed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"`path` must be a checkpoint file. Received: {path}, which is not there")
    module, read = _reader(path)
    needs = f"Reading {path} needs the package {module.split('.')[0]}"
    package = import_optional(module, "torch", needs)
    try:
        arrays = read(package, path)
    except RefusedError as error:
        raise ValueError(f"The checkpoint {path} cannot be read: {error}") from error
    except Exception as error:  # the readers' packages raise a dozen kinds
        raise ValueError(
            f"The checkpoint {path} cannot be read: it is damaged, cut short, or a pickle that "
            f"holds more than tensors. {type(error).__name__}: {error}"
        ) from error
    if not arrays:
        raise ValueError(f"The checkpoint {path} holds no arrays.")
    return {name: _known(array) for name, array in arrays.items()}


def _known(array):
    registered = array.dtype.isbuiltin == 2  # by another package: bfloat16, float8
    return array.astype("float32") if registered else array


def _reader(path):
    """The module that reads a file, and the function of the module and the path that does."""
    if path.suffix == ".npz":
        return "numpy", lambda numpy, path: read_npz(path)
    if path.suffix == ".safetensors":
        return "safetensors.numpy", read_safetensors
    if path.name.endswith((".pth", ".pth.tar", ".pt")):
        return "torch", read_torch
    raise ValueError(
        f"`path` must end in .npz, .safetensors, .pth, .pth.tar or .pt. Received: {path}"
    )
