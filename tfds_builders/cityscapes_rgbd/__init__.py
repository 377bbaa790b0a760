"""Cityscapes with labels, disparity and depth."""

from tfds_builders.cityscapes_rgbd.classes import CLASS_NAMES
from tfds_builders.cityscapes_rgbd.config import CityscapesRGBDConfig

__all__ = ["CLASS_NAMES", "CityscapesRGBDConfig"]
