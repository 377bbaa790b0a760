"""What is wrong with a data set: `python -m tfds_builders.validate NAME_OR_FOLDER`."""

from tfds_builders.validate.survey import Survey

__all__ = ["Survey"]
