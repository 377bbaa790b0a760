"""What a folder holds: its lists, its columns, its classes."""

import dataclasses
import hashlib
import json
import os
import pathlib
import re

import tensorflow_datasets.public_api as tfds

from tfds_builders.multimodal_folder.list_file import read_list_lines
from tfds_builders.multimodal_folder.part import split_name
from tfds_builders.reading.void import VOID

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _check_names(argument, names):
    if isinstance(names, str) or not names or len(set(names)) != len(names):
        raise ValueError(f"`{argument}` must be distinct names. Received: {argument}={names!r}")
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"`{argument}` must hold names of letters, digits and underscores. "
                f"Received: {name!r}"
            )


def _class_count(class_names, num_classes, has_labels):
    if not has_labels:
        return None
    if class_names is not None:
        if isinstance(class_names, str) or len(set(class_names)) != len(class_names):
            raise ValueError(
                f"`class_names` must be distinct names. Received: class_names={class_names!r}"
            )
        if num_classes not in (None, len(class_names)):
            raise ValueError(
                "`num_classes` must be the number of `class_names` (or left out). "
                f"Received: num_classes={num_classes}, {len(class_names)} class names"
            )
        num_classes = len(class_names)
    if (
        isinstance(num_classes, bool)
        or not isinstance(num_classes, int)
        or not 2 <= num_classes <= VOID
    ):
        raise ValueError(
            f"`num_classes` (or `class_names`) must be given for a folder with labels, 2 to {VOID} "
            f"(label {VOID} is void, no class: of two, the background is 0 and the foreground 1). "
            f"Received: num_classes={num_classes!r}"
        )
    return num_classes


def _resized(resize, columns, crop_to):
    if not resize and not isinstance(resize, str):
        return ()
    _check_names("resize", resize)
    unknown = [column for column in resize if column not in columns]
    if unknown or crop_to in resize or set(resize) == set(columns):
        raise ValueError(
            f"`resize` must name some of the columns {columns}, but not the one whose size is "
            f"taken (crop_to={crop_to!r}). Received: resize={tuple(resize)}"
        )
    return tuple(sorted(resize))


def _values(argument, values):
    """Values of stored masks, as a tuple."""
    values = tuple(values or ())
    whole = all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= 255 for v in values)
    if not whole or len(set(values)) != len(values):
        raise ValueError(
            f"`{argument}` must be distinct whole numbers from 0 to 255. "
            f"Received: {argument}={values}"
        )
    return values


def _check_label_values(label_values, void_values, num_classes):
    if label_values and len(label_values) != num_classes:
        raise ValueError(
            "`label_values` must hold the stored value of each class. Received: "
            f"{len(label_values)} values of {num_classes} classes"
        )
    both = set(label_values or range(num_classes or 0)) & set(void_values)
    if both:
        raise ValueError(
            f"`void_values` must not be values of classes. Received: {sorted(both)}; name those of "
            "the classes in `label_values`"
        )


def _stamp(root, path):
    """Digest of a list's lines and of its images' sizes and times of change."""
    content = []
    for line in read_list_lines(path):
        content.append(line)
        for name in line.replace("\\", "/").split("\t"):
            try:
                stat = os.stat(os.path.join(root, split_name(name)[0]))
            except OSError:
                continue  # reading the list names it, with its line
            content.append([stat.st_size, stat.st_mtime_ns])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@dataclasses.dataclass(init=False)
class MultimodalFolderConfig(tfds.core.BuilderConfig):
    """A folder of images with list files.

    Args:
        root: The folder. Paths in the list files are relative to it.
        lists: Dictionary from split to list file, relative to `root` or absolute.
        columns: Names of the columns of the list files, in order.
        num_classes: Number of classes. Needed if there is a label column, unless `class_names`.
        class_names: Names of the classes, in the order of their indices.
        label_column: The column with the masks. There need be none of that name.
        crop_to: Column to whose size images are centre-cropped that are larger by at most 2.5 % of
            each side. Defaults to the label column; without labels all images of an example must
            have one size.
        resize: Columns that are resized to the size of `crop_to` (without it, of the first column
            that is not resized), smaller or larger, whatever their aspect: masks and images of one
            channel take the nearest pixel, 8-bit colours are interpolated.
        label_values: Values of the stored masks that mean the classes, in their order, where they
            are not 0, 1, ...: `(1, 2, 3)` for labels that start at 1, `(0, 255)` for a foreground
            of 255.
        void_values: Values of the stored masks that mean void, beside 255 where no class has it.
        name: Defaults to the folder's name with a hash of all of the above and of the `stamps`, so
            that another folder, list or column order, or an edited image, is another data set on
            disk.
        **kwargs: Of `tfds.core.BuilderConfig`.

    Attributes:
        stamps: `{split: digest}` of the list's text and of its images' sizes and times of change,
            as they were when the configuration was made.

    Raises:
        ValueError: If an argument is wrong or a list cannot be read.
    """

    root: str = ""
    lists: dict = dataclasses.field(default_factory=dict)
    columns: tuple = ()
    num_classes: int | None = None
    class_names: tuple | None = None
    label_column: str | None = None
    crop_to: str | None = None
    resize: tuple = ()
    label_values: tuple = ()
    void_values: tuple = ()
    stamps: dict = dataclasses.field(default_factory=dict)

    def __init__(
        self,
        root,
        lists,
        columns=("rgb", "label", "depth"),
        num_classes=None,
        class_names=None,
        label_column="label",
        crop_to=None,
        resize=(),
        label_values=(),
        void_values=(),
        *,
        name=None,
        **kwargs,
    ):
        root = pathlib.Path(root).expanduser().absolute()
        if not root.is_dir():
            raise ValueError(f"`root` must be a folder. Received: root={root}")
        if not isinstance(lists, dict):
            raise ValueError(
                '`lists` must map splits to list files, as {"train": "train.txt"}. '
                f"Received: lists={lists!r}"
            )
        _check_names("lists", list(lists))
        _check_names("columns", columns)
        if "id" in columns:
            raise ValueError("`columns` must not hold 'id', which names the example.")
        self.root = str(root)
        self.lists = {
            split: str(root / pathlib.Path(path).expanduser()) for split, path in lists.items()
        }
        self.columns = tuple(columns)
        self.label_column = label_column if label_column in self.columns else None
        self.num_classes = _class_count(class_names, num_classes, self.label_column is not None)
        self.class_names = None if class_names is None else tuple(class_names)
        if crop_to is not None and crop_to not in self.columns:
            raise ValueError(
                f"`crop_to` must be one of the columns {self.columns}. "
                f"Received: crop_to={crop_to!r}"
            )
        self.crop_to = crop_to or self.label_column
        self.resize = _resized(resize, self.columns, self.crop_to)
        self.label_values = _values("label_values", label_values)
        self.void_values = _values("void_values", void_values)
        _check_label_values(self.label_values, self.void_values, self.num_classes)
        self.stamps = {split: _stamp(self.root, path) for split, path in self.lists.items()}
        kwargs.setdefault("description", f"Columns {', '.join(self.columns)}.")
        super().__init__(name=name or self._default_name(), **kwargs)

    def _default_name(self):
        content = [self.root, self.columns, self.num_classes, self.class_names]
        content += [self.label_column, self.crop_to, self.resize, sorted(self.stamps.items())]
        if self.label_values or self.void_values:
            content += [self.label_values, self.void_values]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
        folder = re.sub(r"[^A-Za-z0-9_]+", "_", pathlib.Path(self.root).name).strip("_")
        return f"{folder or 'folder'}-{digest}"
