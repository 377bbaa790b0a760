import json
import math
import re

from keras_asym.weights.untrusted import RefusedError


def read_safetensors(safetensors, path):
    """Reads a safetensors file.

    Args:
        safetensors: The module `safetensors.numpy`.
        path: The file, a `pathlib.Path`.

    Returns:
        Dictionary of name -> NumPy array.

    Raises:
        RefusedError: If an entry's shape is not that of its data. (The package refuses it, too, but
            does not say which it is.)
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        left = path.stat().st_size - 8 - length
        if left < 0:
            raise ValueError(f"its header would have {length:,} bytes")
        header = json.loads(file.read(length))
    for name, entry in header.items():
        if name != "__metadata__":
            _check_entry(name, entry["dtype"], entry["shape"], entry["data_offsets"], left)
    return safetensors.load_file(path)


def _check_entry(name, dtype, shape, offsets, left):
    bits = re.search(r"\d+", dtype)  # F32, BF16, F8_E4M3; BOOL has none
    begin, end = offsets
    fits = math.prod(shape) * int(bits[0] if bits else 8) == 8 * (end - begin)
    if not fits or not 0 <= begin <= end <= left:
        raise RefusedError(
            f"its entry '{name}' says that it has shape {tuple(shape)} and dtype {dtype}, and lies "
            f"in bytes {begin:,} to {end:,} of {left:,}, which do not hold it."
        )
