"""List files in any of the usual forms: paths by column, or names of the examples of a split."""

import dataclasses
import pathlib
import re

from tfds_builders.layout.words import SPLIT_OF, kind_of, tokens
from tfds_builders.multimodal_folder.list_file import read_list_lines
from tfds_builders.multimodal_folder.part import split_name

_SEPARATORS = ("\t", ",", ";", "|", " ")
_FOUND = 0.9  # share of a list's lines that must name images


@dataclasses.dataclass
class Lists:
    """What the list files of a folder say.

    Args:
        sensors: Folder or words that name each column of `rows`.
        rows: `[(split, [paths by column])]` of lists with several paths a line.
        stems: `{name: split}` of lists with one name a line.
    """

    sensors: list = dataclasses.field(default_factory=list)
    rows: list = dataclasses.field(default_factory=list)
    stems: dict = dataclasses.field(default_factory=dict)


def read_lists(root, texts, images, doubts):
    """Reads the files that list images; other texts are left alone.

    Args:
        root: The folder.
        texts: Relative paths of its text files.
        images: Relative paths of its images.
        doubts: List to which guesses are added.
    """
    lists = Lists()
    stems = {form for path in images for form in _forms(path)}
    for name in texts:
        split = _split(name)
        if split is None:
            continue
        try:
            lines = [line for line in read_list_lines(root / name) if line.strip()]
        except ValueError:
            continue
        table = _table(lines, pathlib.PurePosixPath(name).parent, images)
        if table:
            lists.rows.append((split, table))
        elif lines and sum(line.strip() in stems for line in lines) >= _FOUND * len(lines):
            lists.stems.update({line.strip(): split for line in lines})
    widths = {len(row) for _, table in lists.rows for row in table}
    if len(widths) > 1:
        doubts.append("the list files have different numbers of columns and are not used")
        lists.rows = []
    if lists.rows and not any(split == "train" for split, _ in lists.rows):
        split, table = lists.rows.pop(0)
        lists.rows.insert(0, (None, table))
    merged = {}
    for split, table in lists.rows:
        merged.setdefault(split, []).extend(table)
    lists.rows = list(merged.items())
    if lists.rows:
        lists.sensors = _sensors(lists.rows[0][1])
    return lists


def _split(name):
    """Split of a list file's name: `train.txt`, `lists/val_list.txt`, `all.txt` for none."""
    path = pathlib.PurePosixPath(name)
    words = [w for w in (*tokens(path.stem), *tokens(path.parent.name)) if isinstance(w, str)]
    if any(word in ("readme", "license", "licence", "class", "names") for word in words):
        return None
    return next((SPLIT_OF[word] for word in words if word in SPLIT_OF), None)


def _forms(path):
    file = pathlib.PurePosixPath(path)
    return path, file.name, file.stem, file.with_suffix("").as_posix()


def _table(lines, folder, images):
    """Paths by line and column, None if the lines do not hold several paths."""
    for separator in _SEPARATORS:
        rows = []
        for line in lines:
            fields = [f.strip().strip('"').replace("\\", "/") for f in line.split(separator)]
            found = [_image(field, folder, images) for field in fields]
            rows.append([path for path in found if path])
        if rows and not rows[0]:
            rows = rows[1:]  # names of the columns
        width = max(map(len, rows), default=0)
        whole = [row for row in rows if len(row) == width]
        if width > 1 and len(whole) >= _FOUND * len(rows):
            return whole
    return None


def _image(field, folder, images):
    """The path of an image that a field means, relative to the root or to the list."""
    if not field:
        return None
    try:
        name, part = split_name(field)
    except ValueError:
        return None
    ending = field[len(name) :] if part is not None else ""
    name = re.sub(r"^(\./)+", "", name)
    for path in (name, (folder / name).as_posix(), name.lstrip("/"), name.partition("/")[2]):
        if path in images:
            return path + ending
    return None


def _sensors(table):
    """What tells the columns apart: the first folder that differs, or the words in the names."""
    first = [pathlib.PurePosixPath(path) for path in table[0]]
    for level in range(max(len(path.parts) for path in first)):
        found = [path.parts[level] if level < len(path.parts) - 1 else "" for path in first]
        if len(set(found)) == len(found):
            return found
    words = [[w for w in tokens(path.stem) if isinstance(w, str) and kind_of(w)] for path in first]
    found = ["_".join(w) for w in words]
    return found if len(set(found)) == len(found) else [f"column{n}" for n in range(len(first))]
