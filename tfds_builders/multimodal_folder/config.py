"""What a folder holds: its lists, its columns, its classes."""

import dataclasses
import hashlib
import json
import pathlib
import re

import tensorflow_datasets.public_api as tfds

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
        or not 1 <= num_classes <= 255
    ):
        raise ValueError(
            "`num_classes` (or `class_names`) must be given for a folder with labels, 1 to 255. "
            f"Received: num_classes={num_classes!r}"
        )
    return num_classes


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
        crop_to: Column to whose size larger images are centre-cropped. Defaults to the label
            column; without labels all images of an example must have one size.
        name: Defaults to the folder's name with a hash of all of the above, of the lists' text and
            of the images' sizes and times of change, so that another folder, list or column order,
            or an edited image, is another data set on disk.
        **kwargs: Of `tfds.core.BuilderConfig`.
    """

    root: str = ""
    lists: dict = dataclasses.field(default_factory=dict)
    columns: tuple = ()
    num_classes: int | None = None
    class_names: tuple | None = None
    label_column: str | None = None
    crop_to: str | None = None

    def __init__(
        self,
        root,
        lists,
        columns=("rgb", "label", "depth"),
        num_classes=None,
        class_names=None,
        label_column="label",
        crop_to=None,
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
        self.lists = {split: str(root / path) for split, path in lists.items()}
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
        kwargs.setdefault("description", f"Columns {', '.join(self.columns)}.")
        super().__init__(name=name or self._default_name(), **kwargs)

    def _default_name(self):
        content = [self.root, self.columns, self.num_classes, self.class_names]
        content += [self.label_column, self.crop_to]
        for split, path in sorted(self.lists.items()):
            try:
                text = pathlib.Path(path).read_bytes()
            except OSError as error:
                raise ValueError(
                    f"`lists` must name readable files. Received: {split!r}: {path} ({error})"
                ) from error
            content.append([split, hashlib.sha256(text).hexdigest(), *self._file_stamps(text)])
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
        folder = re.sub(r"[^A-Za-z0-9_]+", "_", pathlib.Path(self.root).name).strip("_")
        return f"{folder or 'folder'}-{digest}"

    def _file_stamps(self, text):
        """Size and time of change of the listed files: an edited image makes another data set."""
        names = re.split("[\t\r\n]+", text.decode("utf-8", errors="replace"))
        for path in (pathlib.Path(self.root) / name for name in names if name):
            if path.is_file():
                stat = path.stat()
                yield [stat.st_size, stat.st_mtime_ns]
