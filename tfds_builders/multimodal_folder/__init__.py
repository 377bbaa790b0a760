"""Any folder of aligned images with list files, as a data set."""

from tfds_builders.multimodal_folder.config import MultimodalFolderConfig
from tfds_builders.multimodal_folder.multimodal_folder_dataset_builder import (
    Builder as MultimodalFolder,
)

__all__ = ["MultimodalFolder", "MultimodalFolderConfig"]
