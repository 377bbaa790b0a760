"""What a list names of a file: all of it, a slice of a volume, a part of a TIFF."""

from tfds_builders.reading.nifti import split_slice
from tfds_builders.reading.tiff_part import split_part


def split_name(name):
    """The file and what is meant of it.

    Args:
        name: A path of a list file.

    Returns:
        Path and number of a slice (NIfTI), `TiffPart`, or None for the whole file.

    Raises:
        ValueError: If a part of a TIFF cannot be understood.

    Example:

    >>> from tfds_builders.multimodal_folder.part import split_name
    >>> split_name("t1/07.nii.gz#91"), split_name("t1/07.png")
    (('t1/07.nii.gz', 91), ('t1/07.png', None))
    """
    path, number = split_slice(name)
    return (path, number) if number is not None else split_part(name)
