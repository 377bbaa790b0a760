"""Reading one image file without any silent conversion."""

import pathlib

import numpy as np

from tfds_builders.reading.check_image import check_image
from tfds_builders.reading.decode_image import decode_image
from tfds_builders.reading.file_kind import foreign_kind
from tfds_builders.reading.limits import check_image_bytes
from tfds_builders.reading.nifti import is_nifti, read_slice
from tfds_builders.reading.tiff_part import TiffPart, read_tiff_part

_NPY_SIGNATURE = b"\x93NUMPY"
_LEAST_HEIGHT = 16


def _read_array(path):
    with path.open("rb") as file:
        beginning = file.read(512)
    if not beginning.startswith(_NPY_SIGNATURE):
        raise ValueError(foreign_kind(beginning))
    # The header of a small file may declare any shape: it is compared with the file's length.
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    check_image_bytes(array.shape, array.itemsize)
    # Unlike an image file, an array does not say which axis is which.
    if array.ndim == 3 and array.shape[0] < min(_LEAST_HEIGHT, array.shape[-1]):
        raise ValueError(
            f"must be (height, width, channels); are the channels first? Received: "
            f"shape={array.shape}"
        )
    return np.array(array)


def _as_label(image, is_label):
    """Class indices in a byte, where a format of numbers holds them in a wider type."""
    if is_label and image.dtype != np.uint8 and image.size:
        small = image.min() >= 0 and image.max() <= 255
        if small and (image.dtype.kind != "f" or (image == np.rint(image)).all()):
            return image.astype(np.uint8)
    return image


def read_image_file(path, is_label=False, part=None):
    """Reads one image, upright as EXIF says.

    PNG, JPEG, TIFF, BMP, GIF, WebP, PGM, PPM, PFM, `.npy` and an axial slice of NIfTI. TIFF with
    several bands needs tifffile (`keras_asym[geotiff]`), NIfTI nibabel (`keras_asym[nifti]`). A
    palette image ("P" mode) is read as its indices, and only as a label.

    Args:
        path: Path of the file.
        is_label: Whether it is a mask of class indices, which must be in a lossless format.
        part: Number of the slice, of a volume; `TiffPart`; None for the whole file.

    Returns:
        `(height, width, channels)` array, uint8, uint16, int16, or float32, where NaN and infinity
        may stand for holes. Labels are uint8 with 1 channel.

    Raises:
        ValueError: If the file is missing, truncated, not an image, too large or of another type,
            or its values could not be read exactly. The message names file and fix.
    """
    path = pathlib.Path(path)
    is_array = path.suffix.lower() == ".npy" or is_nifti(path) or isinstance(part, TiffPart)
    try:
        if isinstance(part, TiffPart):
            content = _as_label(read_tiff_part(path, part), is_label)
        elif is_nifti(path):
            content = _as_label(read_slice(path, part), is_label)
        else:
            content = _read_array(path) if is_array else path.read_bytes()
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file.") from error
    except Exception as error:  # damaged arrays raise errors of many kinds
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if is_array:
        return check_image(content, path, is_label)
    return decode_image(content, path, is_label)
