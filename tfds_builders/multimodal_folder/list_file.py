"""The papers' list files: one example a line, tab-separated relative paths."""

import dataclasses
import pathlib

from tfds_builders.reading.safe_member import safe_member


@dataclasses.dataclass(frozen=True)
class Row:
    """One example of a list file.

    Args:
        list_file: The list file, as it is shown in errors.
        line: Line number, from 1.
        paths: Dictionary from column to path, relative to the folder.
    """

    list_file: str
    line: int
    paths: dict

    def error(self, message):
        """A `ValueError` that begins with list file and line."""
        return ValueError(f"{self.list_file}, line {self.line}: {message}")


def read_list_file(path, columns):
    """Reads a list file. Nothing but the list itself is looked at.

    Args:
        path: Path of the list file.
        columns: Names of its columns, in order.

    Returns:
        A list of `Row`s.

    Raises:
        ValueError: If there is no such file, no line in it, a line with another number of columns
            or with a path that is absolute or leaves the folder.
    """
    path = pathlib.Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # with universal newlines
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"`lists` must name readable text files. Received: {path} ({error})"
        ) from error
    lines = text.rstrip("\n").split("\n")
    if lines == [""]:
        raise ValueError(f"{path}: the list file is empty; it must hold one example a line.")
    rows = []
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
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
        rows.append(row)
    return rows
