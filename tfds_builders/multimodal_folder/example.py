"""One example: all images of a row, brought to one size and checked."""

import pathlib

import numpy as np

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.multimodal_folder.sizes import to_one_size
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


def class_indices(label, label_values=(), void_values=()):
    """A stored mask as class indices, what is neither class nor void as it is.

    Args:
        label: uint8 array.
        label_values: Stored value of each class, in order; none: 0, 1, ...
        void_values: Stored values that become 255.

    Raises:
        ValueError: If a value is none of the `label_values`, nor void.
    """
    if not label_values and not void_values:
        return label
    table = np.arange(256)
    if label_values:
        table[:] = -1
        table[VOID] = VOID
        table[list(label_values)] = np.arange(len(label_values))
    table[list(void_values)] = VOID
    indices = table[label]
    if (indices < 0).any():
        unknown = sorted(set(label[indices < 0].tolist()))
        raise ValueError(
            f"labels must be of `label_values` {tuple(label_values)} or `void_values` "
            f"{tuple(void_values)}. Received: {unknown[:8]}"
        )
    return indices.astype(np.uint8)


def read_example(
    root,
    row,
    label_column,
    crop_to,
    num_classes,
    resized=(),
    label_values=(),
    void_values=(),
):
    """Reads the images of one row.

    Args:
        root: The folder.
        row: A `Row`.
        label_column: Column with the masks, or None.
        crop_to: Column to whose size the others are centre-cropped, or None.
        num_classes: Number of classes; labels must be below, or 255.
        resized: Columns that are resized to it instead.
        label_values, void_values: As for `class_indices`.

    Returns:
        Dictionary from column to `(height, width, channels)` array.

    Raises:
        ValueError: If anything is wrong. The message names list file, line and image file.
    """
    try:
        images = {
            column: read_image_file(
                row.file(root, column), column == label_column, row.part(column)
            )
            for column in row.paths
        }
        if label_column is not None:
            try:
                images[label_column] = class_indices(
                    images[label_column], label_values, void_values
                )
                check_labels(images[label_column], num_classes)
            except ValueError as error:
                path = pathlib.Path(root) / row.paths[label_column]
                raise ValueError(f"{path}: {error}") from None
        try:
            return to_one_size(images, crop_to, resized, label_column)
        except ValueError as error:
            raise ValueError(f"{', '.join(row.paths.values())}: {error}") from None
    except ValueError as error:
        raise row.error(error) from error
