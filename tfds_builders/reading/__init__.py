"""Reading archives of images: zips and folders alike, with errors that name file and member."""

from tfds_builders.reading.archive import FolderArchive, ZipArchive, open_archive
from tfds_builders.reading.decode_image import check_image, decode_image, expect_image
from tfds_builders.reading.safe_member import safe_member

__all__ = [
    "FolderArchive",
    "ZipArchive",
    "check_image",
    "decode_image",
    "expect_image",
    "open_archive",
    "safe_member",
]
