"""Examples of a folder with list files."""

import pathlib

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.multimodal_folder.list_file import read_list_file
from tfds_builders.validate.example import Example

LISTS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
_DOMAIN = "{domain}"


class FolderSource:
    """A folder in the papers' list formats: a path for each column, or one with `{domain}`.

    Args:
        root: The folder.
        lists: Dictionary from split to list file, relative to `root`. Defaults to those of
            `train.txt`, `val.txt` and `test.txt` that there are.
        columns: Names of the columns, in order; the domains where a list holds `{domain}`.
        num_classes: Number of classes, None if unknown.

    Raises:
        ValueError: If there is no list file.
    """

    units_per_metre = None
    class_names = None
    may_be_cropped = True  # `multimodal_folder` centre-crops to the mask

    def __init__(self, root, lists=None, columns=("rgb", "label", "depth"), num_classes=None):
        self.root = pathlib.Path(root)
        if lists is None:
            lists = {split: name for split, name in LISTS.items() if (self.root / name).is_file()}
        if not lists:
            raise ValueError(
                f"{self.root} must hold list files {sorted(LISTS.values())}, or pass "
                "--lists train=FILE. Received: none of these"
            )
        self.columns = tuple(columns)
        self.num_classes = num_classes
        self.splits, self.faults = {}, []
        for split, name in lists.items():
            try:
                self.splits[split] = self._paths(self.root / name)
            except ValueError as error:
                self.faults.append(str(error))

    @property
    def title(self):
        return f"folder {self.root}"

    def __iter__(self):
        """Yields an `Example` for each line."""
        for split, rows in self.splits.items():
            for paths in rows:
                example = Example(split, next(iter(paths.values())), {})
                for column, name in paths.items():
                    try:
                        image = read_image_file(self.root / name, is_label=column == "label")
                        example.images[column] = image
                    except ValueError as error:
                        example.faults.append(str(error))
                yield example

    def _paths(self, path):
        """One dictionary from column to path for each line of a list file."""
        first = path.read_text(encoding="utf-8-sig").split("\n")[0] if path.is_file() else ""
        if _DOMAIN not in first:
            return [row.paths for row in read_list_file(path, self.columns)]
        rows = read_list_file(path, ("path",))
        return [
            {column: row.paths["path"].replace(_DOMAIN, column) for column in self.columns}
            for row in rows
        ]
