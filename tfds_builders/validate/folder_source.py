"""Examples of a folder with list files."""

import pathlib
from typing import ClassVar

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.multimodal_folder.list_file import read_list_file, read_list_lines
from tfds_builders.multimodal_folder.part import split_name
from tfds_builders.reading.inside_folder import path_inside
from tfds_builders.reading.orientation import encoded_orientation
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
        resized: Columns that are resized to the mask, so that their size may differ.
        rows: `{split: [{column: path}]}` in place of lists.

    Raises:
        ValueError: If there is no list file.
    """

    units_per_metre = None
    class_names = None
    invalid: ClassVar = {}
    may_be_cropped = True  # `multimodal_folder` centre-crops to the mask

    def __init__(
        self,
        root,
        lists=None,
        columns=("rgb", "label", "depth"),
        num_classes=None,
        resized=(),
        rows=None,
    ):
        self.root = pathlib.Path(root)
        if rows is not None:
            lists = {}
        elif lists is None:
            lists = {split: name for split, name in LISTS.items() if (self.root / name).is_file()}
        if not lists and rows is None:
            raise ValueError(
                f"{self.root} must hold list files {sorted(LISTS.values())}, or pass "
                "--lists train=FILE. Received: none of these"
            )
        self.columns = tuple(columns)
        self.num_classes = num_classes
        self.resized = tuple(resized)
        unknown = sorted(set(self.resized) - set(self.columns))
        if unknown:
            raise ValueError(
                f"`resize` must name some of the columns {self.columns}. Received: {unknown}"
            )
        self.splits, self.faults = dict(rows or {}), []
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
                        name, part = split_name(name)
                        path = path_inside(self.root, name)
                        example.paths[column] = path
                        image = read_image_file(path, column == "label", part)
                        example.images[column] = image
                        example.orientations[column] = encoded_orientation(path.read_bytes())
                    except ValueError as error:
                        example.faults.append(str(error))
                yield example

    def _paths(self, path):
        """One dictionary from column to path for each line of a list file."""
        if _DOMAIN not in "".join(read_list_lines(path)[:1]):
            return [row.paths for row in read_list_file(path, self.columns)]
        rows = read_list_file(path, ("path",))
        return [
            {column: row.paths["path"].replace(_DOMAIN, column) for column in self.columns}
            for row in rows
        ]
