"""MATLAB files: up to version 7 by SciPy, version 7.3 (which is HDF5) by h5py."""

import contextlib
import io
import struct
import zlib

import tensorflow_datasets.public_api as tfds

MAX_MAT_BYTES = 2**31
"""How many bytes the compressed variables of a file up to version 7 may unpack to."""

_HEADER, _COMPRESSED, _PIECE = 128, 15, 1 << 20


def _check_unpacked(data):
    """Raises a `ValueError` if the variables would unpack to more than `MAX_MAT_BYTES`."""
    order = "<" if data[126:128] == b"IM" else ">"
    place, unpacked = _HEADER, 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        rest = data[place + 8 : place + 8 + size] if kind == _COMPRESSED else b""
        place += 8 + size
        decompressor = zlib.decompressobj()
        while rest and not decompressor.eof:
            unpacked += len(decompressor.decompress(rest, _PIECE))
            rest = decompressor.unconsumed_tail
            if unpacked > MAX_MAT_BYTES:
                raise ValueError(
                    f"its variables unpack to more than {MAX_MAT_BYTES} bytes (`MAX_MAT_BYTES`). "
                    "Is this the file that the README names?"
                )


def load_mat(data, name, variables):
    """Reads variables of a MATLAB file up to version 7.

    Args:
        data: The file's bytes.
        name: What to call it in errors: path of the file, or of archive and member.
        variables: Names of the variables.

    Returns:
        A list of arrays, in the order of `variables`.

    Raises:
        ValueError: If it is no such file, one of the variables is missing, or they would unpack to
            more than `MAX_MAT_BYTES`.
    """
    try:
        _check_unpacked(data)
        content = tfds.core.lazy_imports.scipy.io.loadmat(io.BytesIO(data))
    except Exception as error:  # damaged files raise errors of many kinds
        raise ValueError(f"{name}: cannot be read as MATLAB file: {error}") from error
    for variable in variables:
        if variable not in content:
            found = [key for key in content if not key.startswith("__")]
            raise ValueError(f"{name}: must hold the variable {variable}. Received: {found}")
    return [content[variable] for variable in variables]


@contextlib.contextmanager
def open_hdf5(path, name=None):
    """Context with a MATLAB file of version 7.3, as `h5py.File`. Its arrays have reversed axes.

    Args:
        path: Path of the file.
        name: What to call it in errors. Defaults to the path.

    Raises:
        ValueError: If there is no such file, or it is truncated or none of version 7.3.
    """
    name = path if name is None else name
    try:
        file = tfds.core.lazy_imports.h5py.File(path, "r")
    except FileNotFoundError as error:
        raise ValueError(f"{name}: there is no such file.") from error
    except OSError as error:
        raise ValueError(f"{name}: is no complete MATLAB file of version 7.3: {error}") from error
    with file:
        yield file


def hdf5_variable(file, name, variable):
    """A variable of an open HDF5 file, from which nothing is read yet.

    Args:
        file: An `h5py.File`.
        name: What to call it in errors.
        variable: Name of the variable; a field of a struct as "struct/field".

    Returns:
        An `h5py.Dataset`.

    Raises:
        ValueError: If there is none of that name.
    """
    found = file.get(variable)
    if found is None or not hasattr(found, "shape"):
        raise ValueError(
            f"{name}: must hold the variable {variable}. "
            f"Received: {sorted(key for key in file if not key.startswith('#'))}"
        )
    return found
