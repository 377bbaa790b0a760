"""Which examples belong to which split: official split files and the papers' lists."""

import csv
import dataclasses
import re

from tfds_builders.multimodal_folder.list_file import read_list_file

# Number of the columns train, val and test in the official files.
_COLUMNS = {"train": 1, "validation": 2, "test": 3}
_BUILDING = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclasses.dataclass(frozen=True)
class Building:
    """All examples of a building.

    Args:
        name: Name of its folders, or None where files lie in the domains' folders themselves.
    """

    name: str | None


@dataclasses.dataclass(frozen=True)
class Line:
    """One example of a list file.

    Args:
        path: Path with the literal `{domain}`.
        where: List file and line, for errors.
    """

    path: str
    where: str


def read_split_file(path):
    """Reads an official split file.

    Args:
        path: `train_val_test_{tiny,medium,full,fullplus}.csv`, a `tfds.core.Path`. Its lines end
            with a bare CR.

    Returns:
        Dictionary from split to list of `Building`s.

    Raises:
        ValueError: If the file is missing, or a line is wrong. The message names file and line.
    """
    try:
        # read_text of remote paths need not take a bare CR for the end of a line.
        lines = path.read_bytes().decode("utf-8-sig").splitlines() or [""]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    header, *rows = csv.reader(lines)
    if header != ["id", "train", "val", "test"]:
        raise ValueError(
            f"{path}: the first line must be 'id,train,val,test'. Received: {lines[0]!r}"
        )
    splits = {split: [] for split in _COLUMNS}
    seen = set()
    for number, row in enumerate(rows, start=2):
        if len(row) != 4 or not set(row[1:]) <= {"0", "1"} or row[1:].count("1") > 1:
            raise ValueError(
                f"{path}, line {number}: must be a building and three numbers 0 or 1, at most one "
                f"of them 1. Received: {lines[number - 1]!r}"
            )
        building = row[0]
        if not _BUILDING.fullmatch(building) or building in seen:
            raise ValueError(
                f"{path}, line {number}: must begin with the name of a building that occurs once. "
                f"Received: {building!r}"
            )
        seen.add(building)
        for split, column in _COLUMNS.items():
            if row[column] == "1":
                splits[split].append(Building(building))
    splits = {split: buildings for split, buildings in splits.items() if buildings}
    if not splits:
        raise ValueError(f"{path}: no building has a 1 in train, val or test.")
    return splits


def read_example_list(path):
    """Reads a list file of the papers.

    Args:
        path: The list file: one path with the literal `{domain}` a line.

    Returns:
        List of `Line`s.

    Raises:
        ValueError: If the file or a line is wrong. The message names file and line.
    """
    lines, first = [], {}
    for row in read_list_file(path, ("path",)):
        name = row.paths["path"]
        if "{domain}" not in name:
            raise row.error(
                "the path must hold the literal {domain}, as "
                f"'{{domain}}/point_407_view_2_domain_{{domain}}.png'. Received: {name!r}"
            )
        if name in first:
            raise row.error(f"{name!r} occurs on line {first[name]} already.")
        first[name] = row.line
        lines.append(Line(name, f"{row.list_file}, line {row.line}"))
    return lines
