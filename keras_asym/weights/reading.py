import pathlib

from keras_asym.optional import import_optional


def read_state_dict(path):
    """Reads a checkpoint file into a flat dictionary of name -> float NumPy array.

    Args:
        path: `.npz`, `.safetensors` (needs the `safetensors` package), or `.pth`, `.pth.tar`, `.pt`
            (need PyTorch: `pip install keras_asym[torch]`; read with `weights_only=True`, so that
            nothing in the file is executed). A training checkpoint's `segmenter`, `state_dict` or
            `model` entry is taken.

    Raises:
        ValueError: If the file's format is not one of these, or it cannot be read (cut short,
            damaged, or a pickle of more than tensors), or holds no arrays.
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
    except Exception as error:  # the readers' packages raise a dozen kinds
        raise ValueError(
            f"The checkpoint {path} cannot be read: it is damaged, cut short, or a pickle that "
            f"holds more than tensors. {type(error).__name__}: {error}"
        ) from error
    if not arrays:
        raise ValueError(f"The checkpoint {path} holds no arrays.")
    return arrays


def _reader(path):
    """The module that reads a file, and the function of the module and the path that does."""
    if path.suffix == ".npz":
        return "numpy", _read_npz
    if path.suffix == ".safetensors":
        return "safetensors.numpy", lambda safetensors, path: safetensors.load_file(path)
    if path.name.endswith((".pth", ".pth.tar", ".pt")):
        return "torch", _read_torch
    raise ValueError(
        f"`path` must end in .npz, .safetensors, .pth, .pth.tar or .pt. Received: {path}"
    )


def _read_npz(numpy, path):
    # NumPy leaves a damaged file open that it has opened itself.
    with path.open("rb") as file, numpy.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _read_torch(torch, path):
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("segmenter", "state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise TypeError(f"a dictionary of tensors is needed, not {type(state).__name__}")
    tensors = {name: x.detach() for name, x in state.items() if isinstance(x, torch.Tensor)}
    # NumPy has no bfloat16.
    return {
        name: (x.float() if x.is_floating_point() else x).numpy() for name, x in tensors.items()
    }
