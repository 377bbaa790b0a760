"""One example: all images of a row, cropped to one size and checked."""

import pathlib

import numpy as np

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.reading.void import VOID


def check_labels(label, num_classes):
    """Raises a `ValueError` if a mask holds anything but 0..num_classes-1 and 255."""
    counts = np.bincount(label.ravel(), minlength=256)
    wrong = [v for v in range(num_classes, VOID) if counts[v]]
    if wrong:
        listed = ", ".join(f"{v} ({counts[v]} pixels)" for v in wrong[:8])
        raise ValueError(
            f"labels must be in 0..{num_classes - 1}, or {VOID} for void pixels. "
            f"Received: {listed}{', ...' if len(wrong) > 8 else ''}. Check `num_classes`, and "
            "whether the labels start at 1."
        )


def center_crop(image, height, width):
    """The middle of an image: 480x640 to 468x625 is `[6:474, 7:632]`."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def crop_to_one_size(images, reference):
    """Centre-crops larger images to the size of the reference.

    Args:
        images: Dictionary from column to `(height, width, channels)` array.
        reference: Column that gives the size, or None: the sizes must agree as they are.

    Returns:
        A dictionary like `images`.

    Raises:
        ValueError: If an image is smaller than the reference, or sizes differ without a reference.
    """
    sizes = {column: image.shape[:2] for column, image in images.items()}
    listed = ", ".join(f"{column} {h}x{w}" for column, (h, w) in sizes.items())
    if reference is None:
        if len(set(sizes.values())) > 1:
            raise ValueError(
                f"the images must have one size (height x width). Received: {listed}. If they show "
                "the same middle, name the column to crop to: `crop_to`."
            )
        return images
    height, width = sizes[reference]
    if any(h < height or w < width for h, w in sizes.values()):
        raise ValueError(
            f"no image may be smaller than column {reference!r}, to which larger ones are "
            f"centre-cropped (height x width). Received: {listed}"
        )
    return {column: center_crop(image, height, width) for column, image in images.items()}


def read_example(root, row, label_column, crop_to, num_classes):
    """Reads the images of one row.

    Args:
        root: The folder.
        row: A `Row`.
        label_column: Column with the masks, or None.
        crop_to: Column to whose size the others are centre-cropped, or None.
        num_classes: Number of classes; labels must be below, or 255.

    Returns:
        Dictionary from column to `(height, width, channels)` array.

    Raises:
        ValueError: If anything is wrong. The message names list file, line and image file.
    """
    try:
        images = {
            column: read_image_file(pathlib.Path(root) / name, is_label=column == label_column)
            for column, name in row.paths.items()
        }
        if label_column is not None:
            try:
                check_labels(images[label_column], num_classes)
            except ValueError as error:
                raise ValueError(
                    f"{pathlib.Path(root) / row.paths[label_column]}: {error}"
                ) from None
        try:
            images = crop_to_one_size(images, crop_to)
        except ValueError as error:
            raise ValueError(f"{', '.join(row.paths.values())}: {error}") from None
    except ValueError as error:
        raise row.error(error) from error
    return images
