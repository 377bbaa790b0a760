import pathlib

import numpy as np


def read_state_dict(path):
    """Reads a checkpoint file into a flat dictionary of name -> float NumPy array.

    Args:
        path: `.npz`, `.safetensors` (needs the `safetensors` package), or `.pth`, `.pth.tar`, `.pt`
            (need PyTorch: `pip install keras_asym[torch]`; read with `weights_only=True`, so that
            nothing in the file is executed). A training checkpoint's `segmenter`, `state_dict` or
            `model` entry is taken.

    Raises:
        ValueError: If the file's format is not one of these, or it holds no arrays.
        ImportError: If the reader's package is not installed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"`path` must be a checkpoint file. Received: {path}, which is not there")
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    if path.suffix == ".safetensors":
        safetensors = _import("safetensors.numpy", path)
        return safetensors.load_file(path)
    if path.name.endswith((".pth", ".pth.tar", ".pt")):
        torch = _import("torch", path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in _tensors(state, torch, path).items()}
    raise ValueError(
        "`path` must end in .npz, .safetensors, .pth, .pth.tar or .pt. " f"Received: {path}"
    )


def _tensors(state, torch, path):
    for key in ("segmenter", "state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    tensors = {k: v for k, v in state.items() if isinstance(v, torch.Tensor)}
    if not tensors:
        raise ValueError(f"The checkpoint {path} holds no tensors; its entries: {list(state)[:8]}")
    return tensors


def _import(name, path):
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"Reading {path} needs the package {name.split('.')[0]}: "
            "pip install 'keras_asym[torch]'"
        ) from error
