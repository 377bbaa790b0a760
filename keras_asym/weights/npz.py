import math
import zipfile

from numpy.lib import format as npy

from keras_asym.weights.untrusted import RefusedError, check_members

# Version 3 is that of structured arrays with field names beyond Latin 1.
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path):
    """Reads an `.npz` file, whose members' headers are checked before any array is read.

    Args:
        path: The file, a `pathlib.Path`.

    Returns:
        Dictionary of name -> NumPy array.

    Raises:
        RefusedError: If it inflates beyond reason, or an entry is no array, one of Python objects,
            or one whose shape is not that of its data.
    """
    with zipfile.ZipFile(path) as archive:
        check_members(path, archive)
        for member in archive.infolist():
            _named(_check_header, archive, member)
        return {
            member.filename.removesuffix(".npy"): _named(_read, archive, member)
            for member in archive.infolist()
        }


def _named(read, archive, member):
    """Calls a function with an open member; an error names it."""
    try:
        with archive.open(member) as file:
            return read(file, member)
    except RefusedError:
        raise
    except Exception as error:
        raise ValueError(f"entry '{member.filename}': {error}") from error


def _read(file, member):
    return npy.read_array(file, allow_pickle=False)


def _check_header(file, member):
    name = member.filename
    if not name.endswith(".npy"):
        raise RefusedError(f"its entry '{name}' is no array (NumPy's end in .npy).")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError(f"its entry '{name}' is compressed in a way that NumPy does not write.")
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise RefusedError(
            f"its entry '{name}' has version {version} of NumPy's format, not 1 or 2."
        )
    shape, _, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise RefusedError(
            f"its entry '{name}' holds Python objects, a pickle that runs code when it is loaded. "
            "Save numbers only."
        )
    size = member.file_size - file.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != size:
        raise RefusedError(
            f"its entry '{name}' says that it has shape {shape} and dtype {dtype}, which its "
            f"{size:,} bytes do not hold."
        )
