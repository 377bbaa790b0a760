"""What zips and folders share."""

import pathlib

from tfds_builders.reading.decode_image import decode_image


class Archive:
    """Members, named by paths with slashes.

    Subclasses give `members`, `read`, `local_path` and `in`.

    Args:
        path: Path of the zip or of the folder.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def name(self, member):
        """What a member is called in errors."""
        return f"{self.path}, member {member}"

    def error(self, member, message):
        """A `ValueError` that names archive and member."""
        return ValueError(f"{self.name(member)}: {message}")

    def read_image(self, member, is_label=False):
        """Decodes a member, see `decode_image`. Errors name archive and member."""
        return decode_image(self.read(member), self.name(member), is_label)

    def require(self, members):
        """Raises a `ValueError` if one of the members is missing. Nothing is decoded."""
        for member in members:
            if member not in self:
                raise self.error(member, "there is no such member.")

    def __repr__(self):
        return f"{type(self).__name__}({str(self.path)!r})"
