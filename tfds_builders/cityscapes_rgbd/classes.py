"""The 19 classes of Cityscapes' benchmark and the ids that its label files hold."""

import numpy as np

from tfds_builders.reading.void import VOID

CLASS_NAMES = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
# The id of each class in `gtFine_labelIds.png`, in the same order.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
MAX_LABEL_ID = 33

_TRAIN_IDS = np.full(256, VOID, np.uint8)
_TRAIN_IDS[list(LABEL_IDS)] = range(len(LABEL_IDS))


def to_train_ids(label_ids, name):
    """The classes' indices 0..18, and 255 for all other ids.

    Args:
        label_ids: uint8 array of ids, 0..33.
        name: What to call it in errors.

    Returns:
        An array like `label_ids`.

    Raises:
        ValueError: If there are ids above 33.
    """
    counts = np.bincount(label_ids.ravel(), minlength=256)
    wrong = [value for value in range(MAX_LABEL_ID + 1, 256) if counts[value]]
    if wrong:
        listed = ", ".join(f"{value} ({counts[value]} pixels)" for value in wrong[:8])
        raise ValueError(
            f"{name}: label ids must be in 0..{MAX_LABEL_ID}. Received: "
            f"{listed}{', ...' if len(wrong) > 8 else ''}. Were the files converted to train ids? "
            "Unpack the archive again."
        )
    return _TRAIN_IDS[label_ids]
