"""NYUDv2 from the folder that the papers preprocessed."""

import numpy as np

from tfds_builders.multimodal_folder.example import read_example
from tfds_builders.multimodal_folder.list_file import read_list_file
from tfds_builders.nyudv2_rgbd.label_tables import thirteen_of_forty
from tfds_builders.reading import VOID, expect_image

_LISTS = {"train": "train.txt", "test": "val.txt"}
_COLUMNS = ("rgb", "label", "depth")
_TYPES = {"rgb": (np.uint8, 3), "depth": (np.uint16, 1)}


class FolderSource:
    """Reads `train.txt`, `val.txt` and the images that they list.

    Args:
        folder: The folder.
        config: A `NYUDv2Config`.
    """

    def __init__(self, folder, config):
        self._folder = folder
        self._table = np.arange(VOID + 1, dtype=np.uint8)
        if config.num_classes == 13:
            self._table[:40] = thirteen_of_forty(folder)

    def splits(self):
        """Dictionary from split to rows. All files are there."""
        splits = {
            split: read_list_file(self._folder / name, _COLUMNS) for split, name in _LISTS.items()
        }
        for row in [row for rows in splits.values() for row in rows]:
            row.require(self._folder)
        return splits

    def examples(self, rows):
        """Yields key and example of each row, one after another."""
        for row in rows:
            images = read_example(self._folder, row, "label", "label", num_classes=40)
            for column, (dtype, channels) in _TYPES.items():
                path = self._folder / row.paths[column]
                try:
                    expect_image(images[column], path, dtype, channels)
                except ValueError as error:
                    raise row.error(error) from None
            images["label"] = self._table[images["label"]]
            yield row.line, {"id": row.paths["rgb"], **images}
