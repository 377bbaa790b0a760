"""NYUDv2: 1449 indoor frames of a Kinect with 40 or 13 classes."""

from tfds_builders.nyudv2_rgbd.class_names import (
    CLASS_NAMES_13,
    CLASS_NAMES_40,
    THIRTEEN_OF_FORTY,
)

__all__ = ["CLASS_NAMES_13", "CLASS_NAMES_40", "THIRTEEN_OF_FORTY"]
