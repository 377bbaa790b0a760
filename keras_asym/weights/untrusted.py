"""What is looked at before a checkpoint takes memory: such files come from anywhere."""

_FOLD = 20
_ALWAYS = 256 * 2**20


class RefusedError(ValueError):
    """A checkpoint that is not read, though it may be whole; says why."""


def check_size(path, sizes):
    """Raises `RefusedError` if a file's arrays take far more memory than the file itself.

    Trained weights hardly compress. A file of a few kilobytes that takes gigabytes is damaged, or
    made to exhaust the memory of whoever reads it.

    Args:
        path: The file, a `pathlib.Path`.
        sizes: `{name of an entry: bytes that it takes in memory}`.
    """
    total, size = sum(sizes.values()), path.stat().st_size
    if total > max(_ALWAYS, _FOLD * size):
        name = max(sizes, key=sizes.get)
        raise RefusedError(
            f"its arrays would take {total:,} bytes, the file has {size:,}; '{name}' alone would "
            f"take {sizes[name]:,}. At most {_FOLD} times the file's size is read: if you trust "
            "it, save it again without compression."
        )


def check_members(path, archive):
    """Raises `RefusedError` if what a ZIP archive holds is not fit to be unpacked.

    Args:
        path: The file, a `pathlib.Path`.
        archive: The `zipfile.ZipFile` of it.
    """
    members = archive.infolist()
    sizes = {}
    for member in members:
        if member.filename in sizes:
            raise RefusedError(f"its entry '{member.filename}' is there twice.")
        sizes[member.filename] = member.file_size
    check_size(path, sizes)
