"""Reading archives of images: zips and folders alike, with errors that name file and member."""

from tfds_builders.reading.check_image import check_image, expect_image
from tfds_builders.reading.decode_image import decode_image
from tfds_builders.reading.encode_metres import encode_metres
from tfds_builders.reading.folder_archive import FolderArchive
from tfds_builders.reading.geotiff import declared_nodata
from tfds_builders.reading.inside_folder import check_inside, path_inside
from tfds_builders.reading.junk import is_junk
from tfds_builders.reading.limits import MAX_IMAGE_BYTES, MAX_MEMBER_BYTES, check_image_bytes
from tfds_builders.reading.mat_file import hdf5_variable, load_mat, open_hdf5
from tfds_builders.reading.nifti import axial_slice, is_nifti, read_slice, read_volume, split_slice
from tfds_builders.reading.open_archive import open_archive
from tfds_builders.reading.safe_member import safe_member
from tfds_builders.reading.shards import shards
from tfds_builders.reading.tiff_part import TiffPart, read_tiff_part, split_part, tiff_pages
from tfds_builders.reading.void import VOID
from tfds_builders.reading.zip_archive import ZipArchive

__all__ = [
    "MAX_IMAGE_BYTES",
    "MAX_MEMBER_BYTES",
    "VOID",
    "FolderArchive",
    "TiffPart",
    "ZipArchive",
    "axial_slice",
    "check_image",
    "check_image_bytes",
    "check_inside",
    "declared_nodata",
    "decode_image",
    "encode_metres",
    "expect_image",
    "hdf5_variable",
    "is_junk",
    "is_nifti",
    "load_mat",
    "open_archive",
    "open_hdf5",
    "path_inside",
    "read_slice",
    "read_tiff_part",
    "read_volume",
    "safe_member",
    "shards",
    "split_part",
    "split_slice",
    "tiff_pages",
]
