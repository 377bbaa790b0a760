"""Decoding one image without any silent conversion."""

import io

import numpy as np

_MODES = {"L": np.uint8, "RGB": np.uint8, "RGBA": np.uint8, "I;16": np.uint16, "F": np.float32}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SUPPORTED = "uint8 or uint16 with 1, 3 or 4 channels, or float32 with 1 channel"


def _png_bits_and_color(data):
    """Bit depth and colour type of a PNG's header, or (None, None)."""
    if data[:8] != _PNG_SIGNATURE or len(data) < 26:
        return None, None
    return data[24], data[25]


def _decode_with_pillow(data, is_label):
    import PIL.Image

    bits, color = _png_bits_and_color(data)
    if bits is not None and bits < 8 and color == 0:
        # Pillow would stretch the values to 0..255.
        raise ValueError(f"grey PNG with {bits} bits; save it with 8 or 16 bits")
    if bits == 16 and color != 0:
        # Pillow would keep the high bytes only.
        import tensorflow as tf

        return tf.io.decode_png(data, dtype=tf.uint16).numpy()
    with PIL.Image.open(io.BytesIO(data)) as image:
        image.load()
        mode = image.mode
        if mode == "P" and not is_label:
            raise ValueError("palette image, which is read for labels only; save it as RGB")
        if mode == "P":
            return np.array(image)
        if mode == "I" and bits == 16:
            return np.array(image).astype(np.uint16)
        if mode == "I;16B":
            return np.array(image).astype(np.uint16)
        if mode not in _MODES:
            raise ValueError(f"pixel format {mode!r}; it must be {_SUPPORTED}")
        return np.array(image)


def check_image(image, name, is_label=False):
    """Checks an array that was read from a file and gives it the rank of an image.

    Args:
        image: `(height, width)` or `(height, width, channels)` array.
        name: What to call it in errors: the file's path.
        is_label: Whether it is a mask of class indices.

    Returns:
        As `decode_image`.

    Raises:
        ValueError: If it is of another shape or type, or holds NaN or infinity.
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
    if not (
        (image.dtype in (np.uint8, np.uint16) and channels in (1, 3, 4))
        or (image.dtype == np.float32 and channels == 1)
    ):
        raise ValueError(
            f"{name}: must be {_SUPPORTED}. Received: {image.dtype} with {channels} channels"
        )
    if image.dtype == np.float32 and not np.isfinite(image).all():
        count = int((~np.isfinite(image)).sum())
        raise ValueError(
            f"{name}: values must be finite. Received: {count} pixels with NaN or infinity. Mark "
            "holes with 0."
        )
    return np.ascontiguousarray(image)


def decode_image(data, name, is_label=False):
    """Decodes PNG, JPEG, TIFF and whatever else Pillow knows.

    Args:
        data: The file's bytes.
        name: What to call it in errors: path of the file, or of archive and member.
        is_label: Whether it is a mask of class indices. A palette image ("P" mode) is read as its
            indices, and only as a label.

    Returns:
        `(height, width, channels)` array, uint8 or uint16 with 1, 3 or 4 channels, or float32 with
        1 channel. Labels are uint8 with 1 channel.

    Raises:
        ValueError: If the image is truncated, none, of another type, or holds NaN or infinity.
    """
    try:
        image = _decode_with_pillow(data, is_label)
    except Exception as error:  # decoders raise errors of many kinds for a damaged file
        raise ValueError(f"{name}: cannot be read: {error}") from error
    return check_image(image, name, is_label)


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
