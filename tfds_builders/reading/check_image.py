"""Checks of decoded images: type, channels, and what a data set's documentation says."""

import numpy as np

_DTYPES = ("uint8", "uint16", "int16", "float32")


def check_image(image, name, is_label=False):
    """Checks an array that was read from a file and gives it the rank of an image.

    Args:
        image: `(height, width)` or `(height, width, channels)` array.
        name: What to call it in errors: the file's path.
        is_label: Whether it is a mask of class indices.

    Returns:
        As `decode_image`.

    Raises:
        ValueError: If it is of another shape or type.
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(
            f"{name}: must be an image (height, width) or (height, width, channels). "
            f"Received: shape={image.shape}"
        )
    if not image.dtype.isnative:
        image = image.astype(image.dtype.newbyteorder("="))
    channels = image.shape[-1]
    if is_label and (image.dtype != np.uint8 or channels != 1):
        raise ValueError(
            f"{name}: a label must be a uint8 mask of class indices with 1 channel, 255 for void "
            f"pixels. Received: {image.dtype} with {channels} channels"
        )
    if image.dtype.name not in _DTYPES:
        fix = "float32" if image.dtype.kind == "f" else "int16, uint16 or float32"
        raise ValueError(
            f"{name}: must be uint8, uint16, int16 or float32; save it as {fix}, if its values "
            f"fit. Received: {image.dtype} with {channels} channels"
        )
    return np.ascontiguousarray(image)


def expect_image(image, name, dtype, channels, hint=""):
    """Raises a `ValueError` if an image is of another type than its data set's documentation says.

    Args:
        image: As returned by `decode_image`.
        name: What to call it in errors.
        dtype: The type that it must have.
        channels: Number of channels that it must have.
        hint: A likely fix, added to the message.

    Returns:
        The image.
    """
    if image.dtype != dtype or image.shape[-1] != channels:
        raise ValueError(
            f"{name}: must be {np.dtype(dtype)} with {channels} channels. Received: {image.dtype} "
            f"with {image.shape[-1]} channels{'. ' + hint if hint else ''}"
        )
    return image
