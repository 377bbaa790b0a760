"""TFDS builders. Importing this package registers them with `tfds.load` and `tfds.builder`."""

from tfds_builders.cityscapes_rgbd import cityscapes_rgbd_dataset_builder
from tfds_builders.ms_mri import ms_mri_dataset_builder
from tfds_builders.multimodal_folder import multimodal_folder_dataset_builder
from tfds_builders.nyudv2_rgbd import nyudv2_rgbd_dataset_builder
from tfds_builders.ombria import ombria_dataset_builder
from tfds_builders.rendered_rooms import rendered_rooms_dataset_builder
from tfds_builders.sunrgbd_rgbd import sunrgbd_rgbd_dataset_builder
from tfds_builders.taskonomy import taskonomy_dataset_builder

__all__ = [
    "cityscapes_rgbd_dataset_builder",
    "ms_mri_dataset_builder",
    "multimodal_folder_dataset_builder",
    "nyudv2_rgbd_dataset_builder",
    "ombria_dataset_builder",
    "rendered_rooms_dataset_builder",
    "sunrgbd_rgbd_dataset_builder",
    "taskonomy_dataset_builder",
]
