"""Reading archives of images: zips and folders alike, with errors that name file and member."""

from tfds_builders.reading.archive import FolderArchive, ZipArchive, open_archive
from tfds_builders.reading.decode_image import check_image, decode_image, expect_image
from tfds_builders.reading.encode_metres import encode_metres
from tfds_builders.reading.mat_file import hdf5_variable, load_mat, open_hdf5
from tfds_builders.reading.safe_member import safe_member
from tfds_builders.reading.shards import shards

__all__ = [
    "FolderArchive",
    "ZipArchive",
    "check_image",
    "decode_image",
    "encode_metres",
    "expect_image",
    "hdf5_variable",
    "load_mat",
    "open_archive",
    "open_hdf5",
    "safe_member",
    "shards",
]
