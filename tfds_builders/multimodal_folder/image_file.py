"""Reading one image file without any silent conversion."""

import pathlib

import numpy as np

from tfds_builders.reading.decode_image import check_image, decode_image


def read_image_file(path, is_label=False):
    """Reads one image.

    PNG, JPEG, TIFF and whatever else Pillow knows, and `.npy`. A palette image ("P" mode) is read
    as its indices, and only as a label.

    Args:
        path: Path of the file.
        is_label: Whether it is a mask of class indices.

    Returns:
        `(height, width, channels)` array, uint8 or uint16 with 1, 3 or 4 channels, or float32 with
        1 channel. Labels are uint8 with 1 channel.

    Raises:
        ValueError: If the file is missing, truncated, not an image, of another type, or holds NaN
            or infinity. The message names the file.
    """
    path = pathlib.Path(path)
    try:
        if path.suffix == ".npy":
            image = np.load(path, allow_pickle=False)
        else:
            data = path.read_bytes()
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file.") from error
    except Exception as error:  # damaged arrays raise errors of many kinds
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if path.suffix == ".npy":
        return check_image(image, path, is_label)
    return decode_image(data, path, is_label)
