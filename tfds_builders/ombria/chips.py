"""Finding and reading the chips of OMBRIA's repository."""

import dataclasses
import pathlib
import re

import numpy as np

from tfds_builders.reading import VOID, FolderArchive, ZipArchive, expect_image

CLASS_NAMES = ("dry", "flooded")
COMMIT = "38a490355f76da8ce27ed051138f03f3492a6e46"
# What a clone or an archive of GitHub may be called; the folder itself may be the clone.
_NAMES = ("OMBRIA", "OMBRIA-master", f"OMBRIA-{COMMIT}")
_NUMBER = re.compile(r"(?:.*\D)?(\d+)\.png")

# Satellite and folder of each image; channels of the sensors.
SENSORS = {
    "rgb": (2, "AFTER", 3),
    "sar": (1, "AFTER", 1),
    "rgb_before": (2, "BEFORE", 3),
    "sar_before": (1, "BEFORE", 1),
}
_MASK = (2, "MASK", 1)


@dataclasses.dataclass(frozen=True)
class Chip:
    """One place.

    Args:
        name: As `"train/0001"` or `"2021/ALBANIA/10"`.
        members: Dictionary from `"label"` and the names of `SENSORS` to member of the archive.
    """

    name: str
    members: dict


def open_repository(folder):
    """The repository, cloned or as one of GitHub's zips, and the folder in it that holds all.

    Args:
        folder: The clone, or a folder with it or with the zip.

    Returns:
        A pair of archive and beginning of its members' paths: `""` or as `"OMBRIA-master/"`.

    Raises:
        ValueError: If there is neither.
    """
    folder = pathlib.Path(folder)
    if (folder / "OmbriaS2").is_dir():
        return FolderArchive(folder), ""
    for name in _NAMES:
        if (folder / f"{name}.zip").is_file():
            archive = ZipArchive(folder / f"{name}.zip")
            tops = {member.partition("/")[0] for member in archive.members()}
            if len(tops) != 1:
                raise ValueError(
                    f"{archive.path}: must hold one folder, as GitHub's zips do. Received: "
                    f"{sorted(tops)[:8]}. Download it again from github.com/geodrak/OMBRIA."
                )
            return archive, f"{tops.pop()}/"
        if (folder / name / "OmbriaS2").is_dir():
            return FolderArchive(folder), f"{name}/"
    raise ValueError(
        f"{folder}: must hold the repository, as OMBRIA-master.zip or the folder OMBRIA with "
        "OmbriaS1, OmbriaS2 and 2021: git clone https://github.com/geodrak/OMBRIA"
    )


def find_chips(archive, top):
    """The chips of each split. Nothing is decoded.

    Args:
        archive, top: As returned by `open_repository`.

    Returns:
        Dictionary from `"train"`, `"validation"` and `"test"` to list of `Chip`s.

    Raises:
        ValueError: If one of a chip's files is missing, or a split has no chip. The message names
            archive and member.
    """
    folders = {
        "train": {"train": "OmbriaS{}/train"},
        "validation": {"test": "OmbriaS{}/test"},
        "test": {f"2021/{event}": f"2021/{event}/Sentinel{{}}" for event in _events(archive, top)},
    }
    splits = {}
    for split, places in folders.items():
        splits[split] = [
            chip for name, place in places.items() for chip in _chips(archive, name, top + place)
        ]
        if not splits[split]:
            where = {"train": "OmbriaS2/train", "validation": "OmbriaS2/test", "test": "2021"}[
                split
            ]
            raise archive.error(
                f"{top}{where}",
                f"the split {split!r} must have images. Is the clone complete? Run `git pull`, or "
                "download the zip again.",
            )
    return splits


def _events(archive, top):
    paths = (member.split("/") for member in archive.members(f"{top}2021"))
    depth = top.count("/") + 1
    return sorted({path[depth] for path in paths if len(path) > depth + 1})


def _chips(archive, name, place):
    """The chips below a pair of folders; `place` has `{}` for the satellite's number."""
    found = {
        column: _by_number(archive, f"{place.format(satellite)}/{folder}")
        for column, (satellite, folder, *_) in {**SENSORS, "label": _MASK}.items()
    }
    chips = []
    for number in sorted(set().union(*found.values()), key=lambda number: (len(number), number)):
        missing = [column for column in found if number not in found[column]]
        if missing:
            satellite, folder, _ = {**SENSORS, "label": _MASK}[missing[0]]
            raise archive.error(
                f"{place.format(satellite)}/{folder}",
                f"there is no image {number} for {missing[0]!r}, which other folders have. Is the "
                "clone complete? Run `git pull`, or download the zip again.",
            )
        members = {column: members[number] for column, members in found.items()}
        chips.append(Chip(f"{name}/{number}", members))
    return chips


def _by_number(archive, folder):
    """`{number: member}` of a folder's PNGs. Names differ: S2_after_0013.png, imafter_13.png."""
    found = {}
    for member in archive.members(folder):
        parent, _, file = member.rpartition("/")
        match = _NUMBER.fullmatch(file) if parent == folder else None
        if match and found.setdefault(match[1], member) != member:
            raise archive.error(
                member,
                f"has the number of {found[match[1]].rpartition('/')[2]}. Remove the one that is "
                "not of the repository.",
            )
    return found


def read_chip(archive, chip):
    """Reads one chip.

    Args:
        archive: As returned by `open_repository`.
        chip: A `Chip`.

    Returns:
        Dictionary from the names of `SENSORS` and `"label"` to `(height, width, channels)` uint8
        array. Where `rgb` is 0, 0, 0 the label is void.

    Raises:
        ValueError: If a file is damaged or of another type, or the sizes differ. The message names
            archive and member.
    """
    images = {}
    for column, (_, _, channels) in {**SENSORS, "label": _MASK}.items():
        member = chip.members[column]
        image = archive.read_image(member)
        expect_image(image, archive.name(member), np.uint8, channels)
        size = images["rgb"].shape[:2] if images else image.shape[:2]
        if image.shape[:2] != size:
            raise archive.error(
                member,
                f"must be {size[0]}x{size[1]} (height x width) as {chip.members['rgb']}. Received: "
                f"{image.shape[0]}x{image.shape[1]}. Download it again.",
            )
        images[column] = image
    flooded = _flooded(archive, chip.members["label"], images["label"])
    no_data = (images["rgb"] == 0).all(-1, keepdims=True)
    images["label"] = np.where(no_data, np.uint8(VOID), flooded.astype(np.uint8))
    return images


def _flooded(archive, member, mask):
    values = np.unique(mask)
    if not set(values.tolist()) <= {0, 255}:
        raise archive.error(
            member,
            f"the mask must hold 0 (dry) and 255 (flooded). Received: {values[:8].tolist()}. Was "
            "it resized, or converted to indices? Download it again.",
        )
    return mask == 255
