"""Finds out how the images of an unknown folder belong together: `discover(folder)`."""

from tfds_builders.layout.discover import Layout, discover

__all__ = ["Layout", "discover"]
