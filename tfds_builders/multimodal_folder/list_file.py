"""The papers' list files: one example a line, tab-separated relative paths."""

import codecs
import dataclasses
import pathlib

from tfds_builders.multimodal_folder.part import split_name
from tfds_builders.reading.inside_folder import path_inside
from tfds_builders.reading.junk import is_junk
from tfds_builders.reading.safe_member import safe_member

_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One example of a list file.

    Args:
        list_file: The list file, as it is shown in errors.
        line: Line number, from 1.
        paths: Dictionary from column to path, relative to the folder; of a volume (NIfTI) with the
            number of an axial slice, as `t1/patient07.nii.gz#91`; of a TIFF perhaps with a part, as
            `scene.tif#bands=0-2`, see `TiffPart`.
    """

    list_file: str
    line: int
    paths: dict

    def error(self, message):
        """A `ValueError` that begins with list file and line."""
        return ValueError(f"{self.list_file}, line {self.line}: {message}")

    def file(self, root, column):
        """Path of a column's file, which need not exist.

        Args:
            root: The folder.
            column: The column.

        Raises:
            ValueError: If symbolic links lead out of the folder.
        """
        return path_inside(pathlib.Path(root), split_name(self.paths[column])[0])

    def part(self, column):
        """What is meant of a column's file: number of a slice, `TiffPart`, None for all of it."""
        return split_name(self.paths[column])[1]

    def require(self, root):
        """Raises a `ValueError`, naming the line, if a file is missing or leaves the folder.

        Args:
            root: The folder.
        """
        for column in self.paths:
            try:
                path = self.file(root, column)
            except ValueError as error:
                raise self.error(error) from None
            if not path.is_file():
                raise self.error(f"{path}: there is no such file.")


def read_list_lines(path):
    """Lines of a list file, with any of the usual line ends, without blank ones at its end.

    Args:
        path: Path of the list file: UTF-8, or UTF-16 with a byte order mark, as Windows writes it.

    Returns:
        A list of strings.

    Raises:
        ValueError: If there is no such file, or it is of another encoding.
    """
    path = pathlib.Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"`lists` must name readable text files. Received: {path} ({error})"
        ) from error
    encoding = next((e for mark, e in _ENCODINGS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
        if "\0" in text:
            raise ValueError("it holds null bytes")
    except ValueError as error:
        raise ValueError(
            f"{path}: the list file must be text in UTF-8: save it as UTF-8. Received: {error}"
        ) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def read_list_file(path, columns):
    """Reads a list file. Nothing but the list itself is looked at.

    Args:
        path: Path of the list file.
        columns: Names of its columns, in order.

    Returns:
        A list of `Row`s. Backslashes in paths have become slashes. Lines that hold nothing but what
        operating systems leave in folders (`.DS_Store`, `Thumbs.db`) are left out.

    Raises:
        ValueError: If there is no such file, it is no text in UTF-8, has no line, or one with
            another number of columns or with a path that is absolute or leaves the folder.
    """
    lines = read_list_lines(path)
    if not lines:
        raise ValueError(f"{path}: the list file is empty; it must hold one example a line.")
    rows = []
    for number, line in enumerate(lines, start=1):
        fields = line.replace("\\", "/").split("\t")
        row = Row(str(path), number, dict(zip(columns, fields, strict=False)))
        if len(fields) != len(columns):
            raise row.error(
                f"there must be {len(columns)} tab-separated columns {tuple(columns)}. "
                f"Received: {len(fields)} in {line!r}. Check `columns`, and that the columns are "
                "separated by tabs, not by blanks."
            )
        for column, name in row.paths.items():
            if not name.strip():
                raise row.error(f"column {column!r} is empty.")
            try:
                safe_member(name)
            except ValueError as error:
                raise row.error(f"{error} in column {column!r}") from None
        if not all(is_junk(name) for name in row.paths.values()):
            rows.append(row)
    if not rows:
        raise ValueError(f"{path}: the list file names no image.")
    return rows
