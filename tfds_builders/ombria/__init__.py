"""Floods seen by two satellites, before and after."""

from tfds_builders.ombria.chips import CLASS_NAMES

__all__ = ["CLASS_NAMES"]
