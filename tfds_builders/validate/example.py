"""One example as it was read, faults and all."""

import dataclasses


@dataclasses.dataclass
class Example:
    """One example.

    Args:
        split: Its split.
        name: What findings call it.
        images: Dictionary from column to `(height, width, channels)` array; unreadable ones are
            missing.
        faults: What could not be read, one message each.
        orientations: Dictionary from column to the EXIF orientation that was undone, 1..8.
        paths: Dictionary from column to the file, where there are files.
    """

    split: str
    name: str
    images: dict
    faults: list = dataclasses.field(default_factory=list)
    orientations: dict = dataclasses.field(default_factory=dict)
    paths: dict = dataclasses.field(default_factory=dict)
