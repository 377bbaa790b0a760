"""How much a member of a zip may unpack to, and an image be decoded to."""

import math
import shutil

MAX_MEMBER_BYTES = 2**28
"""Of a member that is read at once: an image file, a list, a table. A member of 305 kB can unpack
to 314 MB."""

MAX_IMAGE_BYTES = 2**29
"""How many bytes an image may have once it is decoded: 178 million pixels of 8-bit RGB. A file of
472 kB can hold 1.3 GB."""


def check_member_size(size, limit):
    """Raises a `ValueError` if a member is larger than its reader expects.

    Args:
        size: Its size in bytes, unpacked.
        limit: The largest size.
    """
    if size > limit:
        raise ValueError(
            f"has {size} bytes once unpacked, where {limit} are allowed. Is this the archive that "
            "the README names? If it is, unpack it, and use the folder"
        )


def check_free_space(size, folder):
    """Raises a `ValueError` if a member does not fit onto the disk.

    Args:
        size: Its size in bytes, unpacked.
        folder: The folder to unpack to.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise ValueError(
            f"needs {size} bytes in {folder}, where {free} are free. Set TMPDIR to a folder on a "
            "larger disk"
        )


def check_image_bytes(shape, bytes_per_value):
    """Raises a `ValueError` if an image would be larger than `MAX_IMAGE_BYTES`.

    Args:
        shape: Its shape.
        bytes_per_value: 2 for uint16.
    """
    if math.prod(shape) * bytes_per_value > MAX_IMAGE_BYTES:
        listed = "x".join(map(str, shape))
        raise ValueError(
            f"an image may have {MAX_IMAGE_BYTES} bytes (`MAX_IMAGE_BYTES`) once decoded. "
            f"Received: {listed} (height x width x channels) of {bytes_per_value} bytes. Cut it "
            "into tiles"
        )
