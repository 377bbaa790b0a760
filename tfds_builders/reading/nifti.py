"""NIfTI, the format of medical images: one axial slice of a volume."""

import functools
import os
import re

import numpy as np

from tfds_builders.reading.file_kind import foreign_kind
from tfds_builders.reading.limits import check_image_bytes
from tfds_builders.reading.optional import import_reader

_SUFFIXES = (".nii", ".nii.gz")
_SLICE = re.compile(r"(.*\.nii(?:\.gz)?)#(\d+)", re.IGNORECASE)


def is_nifti(path):
    """Whether a file's name says that it is NIfTI."""
    return os.fspath(path).lower().endswith(_SUFFIXES)


def split_slice(name):
    """The file and the number of the slice that a list names.

    Args:
        name: A path, of NIfTI perhaps with `#` and a number.

    Returns:
        Path and number, None without any.

    Example:

    >>> from tfds_builders.reading import split_slice
    >>> split_slice("t1/patient07.nii.gz#91"), split_slice("t1/07.png")
    (('t1/patient07.nii.gz', 91), ('t1/07.png', None))
    """
    match = _SLICE.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def read_volume(path):
    """Reads a volume, in the order in which all NIfTI files can be compared.

    Args:
        path: Path of a `.nii` or `.nii.gz` file of two or three dimensions.

    Returns:
        `(x, y, z)` array whose axes go right, to the front and up (RAS+), whatever the file's
        order. Its type is that of the file; with a scale and an offset in the header (`scl_slope`,
        `scl_inter`), which are applied, it is float32. It cannot be written to.

    Raises:
        ValueError: If it is missing, damaged, too large or of other dimensions, or nibabel is not
            installed. The message does not name the file.
    """
    stat = os.stat(path)
    return _volume(os.fspath(path), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(
    maxsize=6
)  # of an example's sensors: a list has the slices of one after another
def _volume(path, *_):
    nibabel = import_reader("nibabel", "nifti", "NIfTI")
    try:
        image = nibabel.load(path)
    except nibabel.filebasedimages.ImageFileError:
        with open(path, "rb") as file:
            raise ValueError(foreign_kind(file.read(512))) from None
    if not isinstance(image, nibabel.Nifti1Pair) or image.get_data_dtype().fields:
        raise ValueError("it must be NIfTI of single numbers; convert it with nibabel")
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3) or 0 in shape:
        raise ValueError(
            f"it must have 2 or 3 dimensions, not {'x'.join(map(str, image.shape))}; save each "
            "volume to a file of its own"
        )
    check_image_bytes(shape, image.get_data_dtype().itemsize)
    values = np.asanyarray(image.dataobj).reshape(*shape, *(1,) * (3 - len(shape)))
    if image.dataobj.slope != 1 or image.dataobj.inter != 0:
        values = values.astype(np.float32)
    orientation = nibabel.orientations.io_orientation(image.affine)
    if np.isnan(orientation).any():
        raise ValueError(f"its affine must say which way is up. Received: {image.affine.tolist()}")
    values = nibabel.orientations.apply_orientation(values, orientation)
    values.flags.writeable = False
    return values


def axial_slice(volume, number):
    """A slice as it is shown: the front is up, the patient's right is on the right.

    Args:
        volume: As returned by `read_volume`.
        number: Its number, from the bottom; from 0.

    Returns:
        `(height, width, 1)` array.
    """
    return np.ascontiguousarray(np.rot90(volume[:, :, number]))[..., None]


def read_slice(path, number=None):
    """Reads an axial slice.

    Args:
        path: As for `read_volume`.
        number: Number of the slice. Needed if there is more than one.

    Returns:
        `(height, width, 1)` array, see `axial_slice`.

    Raises:
        ValueError: As `read_volume`, or if the number is missing or too large.
    """
    volume = read_volume(path)
    count = volume.shape[-1]
    if number is None and count > 1:
        raise ValueError(
            f"it is a volume of {'x'.join(map(str, volume.shape))}. Name an axial slice in the "
            f"list, 0 to {count - 1}: {os.path.basename(path)}#{count // 2}"
        )
    if (number or 0) >= count:
        raise ValueError(f"the slice must be in 0..{count - 1}. Received: #{number}")
    return axial_slice(volume, number or 0)
