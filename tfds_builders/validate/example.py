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
    """

    split: str
    name: str
    images: dict
    faults: list = dataclasses.field(default_factory=list)
