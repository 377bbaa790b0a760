"""From the archive's 894 classes to train ids."""

import numpy as np

from tfds_builders.nyudv2_rgbd.class_names import (
    CLASS_NAMES_13,
    CLASS_NAMES_40,
    THIRTEEN_OF_FORTY,
)
from tfds_builders.reading import VOID, load_mat

NUM_ORIGINAL_CLASSES = 894


def thirteen_of_forty(folder=None):
    """Table from the 40 train ids to the 13.

    Args:
        folder: Where `class13Mapping.mat` is looked for. Without it `THIRTEEN_OF_FORTY` is taken,
            which holds the same numbers.

    Returns:
        `(40,)` uint8 array of 0..12.
    """
    path = None if folder is None else folder / "class13Mapping.mat"
    if path is None or not path.is_file():
        names = [THIRTEEN_OF_FORTY[name] for name in CLASS_NAMES_40]
        return np.array([CLASS_NAMES_13.index(name) for name in names], np.uint8)
    (struct,) = load_mat(path.read_bytes(), path, ["classMapping13"])
    # The struct's fields are the mapping and the names of the classes.
    fields = [] if struct.dtype.names is None else list(struct.ravel()[0])
    numbers = [field.ravel() for field in fields if field.dtype.kind in "iuf"]
    if not numbers or numbers[0].size != 40 or not set(numbers[0]) <= set(range(1, 14)):
        raise ValueError(f"{path}: classMapping13 must hold 40 numbers in 1..13.")
    return (numbers[0] - 1).astype(np.uint8)


def train_ids(folder, num_classes):
    """Table from the labels of `nyu_depth_v2_labeled.mat` to train ids.

    Args:
        folder: Folder with `classMapping40.mat`.
        num_classes: 40 or 13.

    Returns:
        `(895,)` uint8 array: void for label 0 (unlabelled), 0..num_classes-1 for 1..894.

    Raises:
        ValueError: If the mapping is missing or not of this form.
    """
    path = folder / "classMapping40.mat"
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file.")
    (mapping,) = load_mat(path.read_bytes(), path, ["mapClass"])
    mapping = mapping.ravel()
    if mapping.size != NUM_ORIGINAL_CLASSES or not set(mapping.tolist()) <= set(range(1, 41)):
        raise ValueError(
            f"{path}: mapClass must hold {NUM_ORIGINAL_CLASSES} numbers in 1..40. "
            f"Received: {mapping.size} in {mapping.min(initial=41)}..{mapping.max(initial=0)}"
        )
    table = (mapping - 1).astype(np.uint8)
    if num_classes == 13:
        table = thirteen_of_forty(folder)[table]
    return np.concatenate([np.array([VOID], np.uint8), table])
