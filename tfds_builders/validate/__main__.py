"""Says what is wrong with a data set.

    python -m tfds_builders.validate NAME_OR_FOLDER

NAME is a data set that TFDS has built (`rendered_rooms`, `nyudv2_rgbd/40_classes`, with
`--data_dir` if it is elsewhere than by default). FOLDER holds images and list files in the papers'
format, one example a line, tab-separated paths in the order of `--columns`, or one path with the
literal `{domain}`, for which the columns are then put.

Prints splits, types, sizes and ranges, depth in metres by unit, the share of holes and the class
histogram, then what was found. The exit status is 1 if there is an error; warnings leave it at 0.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # start-up messages are no findings

from tfds_builders.layout import discover
from tfds_builders.multimodal_folder.list_file import read_list_lines
from tfds_builders.validate.built_source import BuiltSource, find_built
from tfds_builders.validate.contact_sheet import ContactSheet
from tfds_builders.validate.faults import Faults
from tfds_builders.validate.findings import LEVELS, find_faults
from tfds_builders.validate.folder_source import LISTS, FolderSource
from tfds_builders.validate.survey import Survey
from tfds_builders.validate.tables import text_tables


def _names(text):
    return tuple(name for name in text.split(",") if name)


def _lists(text):
    pairs = [pair.partition("=") for pair in _names(text)]
    if not pairs or not all(split and path for split, _, path in pairs):
        raise argparse.ArgumentTypeError(f"must be SPLIT=FILE,... Received: {text!r}")
    return {split: path for split, _, path in pairs}


def _arguments(argv):
    parser = argparse.ArgumentParser(
        prog="python -m tfds_builders.validate",
        description="Says what is wrong with a data set.",
    )
    parser.add_argument("name", metavar="NAME_OR_FOLDER")
    parser.add_argument("--data_dir", help="where TFDS keeps what it builds")
    parser.add_argument("--lists", type=_lists, help="of a folder: train=FILE,test=FILE")
    parser.add_argument("--columns", type=_names, help="of a folder: rgb,label,depth")
    parser.add_argument(
        "--resize", type=_names, default=(), help="columns of a folder that are resized to the mask"
    )
    parser.add_argument("--num_classes", type=int, help="labels are 0..num_classes-1 and 255")
    parser.add_argument("--units", type=float, help="values to a metre in the depth images")
    parser.add_argument("--depth", type=_names, help="columns that hold depth")
    parser.add_argument("--json", help="file to write the findings to")
    parser.add_argument("--sheet", default="contact_sheet.png", help="picture to write")
    parser.add_argument("--sheet_examples", type=int, default=4, help="examples of each split")
    return parser.parse_args(argv)


def _open(arguments):
    folder = pathlib.Path(arguments.name)
    if folder.is_dir() and not (folder / "dataset_info.json").is_file():
        if not (arguments.columns or arguments.lists) and not _is_the_papers(folder):
            layout = discover(folder)
            print("\n".join(f"Not sure: {doubt}" for doubt in layout.doubts))
            arguments.depth = arguments.depth or [
                column for column, kind in layout.kinds.items() if kind == "depth"
            ]
            return FolderSource(
                folder,
                columns=layout.columns,
                num_classes=arguments.num_classes,
                resized=arguments.resize,
                rows=layout.splits,
            )
        columns = arguments.columns or ("rgb", "label", "depth")
        return FolderSource(
            folder, arguments.lists, columns, arguments.num_classes, arguments.resize
        )
    if arguments.lists or arguments.columns or arguments.resize:
        raise ValueError(
            "`--lists`, `--columns` and `--resize` are of folders. "
            f"Received: {arguments.name}, which is none"
        )
    source = BuiltSource(find_built(arguments.name, arguments.data_dir))
    source.num_classes = arguments.num_classes or source.num_classes
    return source


def _is_the_papers(folder):
    """Whether a folder has list files of three columns, RGB, mask and depth, as the papers have."""
    lists = [folder / name for name in LISTS.values() if (folder / name).is_file()]
    try:
        lines = [line for path in lists for line in read_list_lines(path)[:1]]
    except ValueError:
        return True  # which says what is wrong with them
    return any("{domain}" in line or line.count("\t") == 2 for line in lines)


def main(argv=None):
    """Runs the command; returns its exit status."""
    arguments = _arguments(argv)
    try:
        source = _open(arguments)
        source.units_per_metre = arguments.units or source.units_per_metre
        sheet = ContactSheet(source.columns, source.num_classes, arguments.sheet_examples)
        survey = Survey(source, arguments.depth, sheet)
        faults = Faults(source.columns, survey.depth, source.units_per_metre, source.num_classes)
    except ValueError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    total = sum(len(numbers) for numbers in source.splits.values())
    for number, example in enumerate(source, start=1):
        survey.add(example)
        faults.add(example)
        if sys.stderr.isatty():
            print(f"\r{number}/{total}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    findings = [*find_faults(survey), *faults.findings()]
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    errors, warnings, notes = (sum(f.level == level for f in findings) for level in LEVELS)
    print(text_tables(survey))
    print()
    for finding in findings:
        print(finding)
    sheet.write(arguments.sheet)
    if arguments.json:
        records = [dataclasses.asdict(finding) for finding in findings]
        pathlib.Path(arguments.json).write_text(json.dumps(records, indent=2))
    noted = f", {notes} note(s)" if notes else ""
    print(f"{errors} error(s), {warnings} warning(s){noted}. Pictures: {arguments.sheet}")
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main())
