"""How much a member of a zip may unpack to."""

import shutil

MAX_MEMBER_BYTES = 2**28
"""Of a member that is read at once: an image file, a list, a table. A member of 305 kB can unpack
to 314 MB."""


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
