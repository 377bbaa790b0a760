"""SUN RGB-D: 10335 indoor frames of four depth cameras with 37 classes."""

from tfds_builders.sunrgbd_rgbd.toolbox import CAMERAS

__all__ = ["CAMERAS"]
