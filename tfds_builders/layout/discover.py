"""Sensors, examples and splits of a folder that nobody described."""

import dataclasses
import os
import pathlib
import re

from tfds_builders.layout.contents import guess_kind, probe
from tfds_builders.layout.grouping import group, split_of
from tfds_builders.layout.lists import read_lists
from tfds_builders.layout.splitting import seeded_split
from tfds_builders.layout.stacks import unstack
from tfds_builders.layout.words import kind_of, tokens
from tfds_builders.reading.junk import is_junk
from tfds_builders.reading.nifti import is_nifti

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"),
    *(".pgm", ".ppm", ".pfm", ".npy", ".nii"),
)
_MOST_FILES = 2_000_000
_ONE_OF_A_KIND = ("label", "rgb", "depth", "thermal")


@dataclasses.dataclass
class Layout:
    """How the images of a folder belong together.

    Args:
        root: The folder.
        columns: Names of the sensors; the mask is `label`.
        kinds: `{column: kind}`, see `words.KINDS`.
        splits: `{split: [{column: path}]}`, paths as in list files.
        doubts: What is a guess, in words.
    """

    root: pathlib.Path
    columns: tuple
    kinds: dict
    splits: dict
    doubts: list = dataclasses.field(default_factory=list)


def discover(root):
    """Finds sensors, examples and splits of a folder.

    Args:
        root: A folder of images: folders by sensor, names by sensor, folders by scene, list files,
            TIFFs with several pages or bands, NIfTI volumes.

    Returns:
        A `Layout`.

    Raises:
        ValueError: If there is no such folder, or nothing to learn from in it.
    """
    root = pathlib.Path(root).expanduser()
    if not root.is_dir():
        raise ValueError(f"`root` must be a folder. Received: root={root}")
    images, texts = _files(root)
    if not images:
        raise ValueError(
            f"`root` must hold images ({', '.join(SUFFIXES)}). Received: {root} with none"
        )
    doubts = []
    lists = read_lists(root, texts, set(images), doubts)
    if lists.rows:
        sensors = [(part,) for part in lists.sensors]
        rows = {split: [dict(zip(sensors, r, strict=True)) for r in of] for split, of in lists.rows}
        keys = {split: [(split, n) for n in range(len(of))] for split, of in rows.items()}
    else:
        grouping = group(images)
        if grouping.by_rank:
            doubts.append(
                "which files belong together: their names differ, so their order was taken"
            )
        _say_left_out(grouping, images, doubts)
        rows, keys = _assign(grouping, lists)
    sensors = list(next(iter(rows.values()))[0])
    rows, keys, sensors = unstack(root, rows, keys, sensors, doubts)
    names, kinds = _names(root, sensors, next(iter(rows.values())), doubts)
    if None in rows:
        rows = seeded_split(rows.pop(None), keys[None], doubts)
    splits = {
        split: [{names[sensor]: row[sensor] for sensor in sensors} for row in of]
        for split, of in rows.items()
        if of
    }
    order = sorted(names.values(), key=lambda name: (name != "rgb", name != "label"))
    splits = {s: [{c: row[c] for c in order} for row in of] for s, of in splits.items()}
    return Layout(root, tuple(order), kinds, splits, doubts)


def _files(root):
    images, texts = [], []
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not is_junk(f))
        for name in sorted(files):
            path = (pathlib.Path(parent) / name).relative_to(root).as_posix()
            if name.startswith(".") or is_junk(path):
                continue
            if name.lower().endswith(SUFFIXES) or is_nifti(name):
                images.append(path)
            elif name.lower().endswith((".txt", ".csv", ".tsv", ".lst")):
                texts.append(path)
        if len(images) > _MOST_FILES:
            raise ValueError(f"`root` must hold at most {_MOST_FILES} images. Received: {root}")
    return images, texts


def _say_left_out(grouping, images, doubts):
    for sensor, count in grouping.left:
        most = max(map(len, grouping.files.values()))
        doubts.append(
            f"the sensor {_plain(sensor)} is left out: it has {count} images where others have "
            f"{most}; to use it, put the examples that have it into a folder of their own"
        )
    taken = {grouping.files[s][key] for s in grouping.files for key in grouping.complete}
    left = [path for path in images if path not in taken]
    if left:
        doubts.append(
            f"{len(left)} of {len(images)} images have no partner in every sensor and are left "
            f"out, such as {left[0]}"
        )


def _assign(grouping, lists):
    """Rows and keys by split: that of a list, of a folder's or file's name; None for neither."""
    rows, keys = {}, {}
    for key in grouping.complete:
        row = {sensor: files[key] for sensor, files in grouping.files.items()}
        split = None
        if lists.stems:
            found = {lists.stems.get(name) for path in row.values() for name in _forms(path)}
            split = next(iter(found - {None}), None)
            if split is None:
                continue
        else:
            split = next(filter(None, map(split_of, row.values())), None)
        rows.setdefault(split, []).append(row)
        keys.setdefault(split, []).append(key)
    if not rows:
        raise ValueError("the list files must name images of the folder. Received: none of them")
    named = [split for split in rows if split is not None]
    if named and None in rows:  # some have none: they are training examples
        keys.setdefault("train", []).extend(keys.pop(None))
        rows.setdefault("train", []).extend(rows.pop(None))
    if named and "train" not in rows:
        rows[None] = rows.pop(named[0])
        keys[None] = keys.pop(named[0])
    return rows, keys


def _forms(path):
    """What a list may call a file: its path, its name, its stem."""
    file = pathlib.PurePosixPath(path)
    return path, file.name, file.stem, file.with_suffix("").as_posix()


def _names(root, sensors, rows, doubts):
    """Names and kinds of the columns."""
    samples = [rows[i] for i in sorted({0, len(rows) // 2, len(rows) - 1})]
    probes = {s: [p for p in (probe(root, row[s]) for row in samples) if p] for s in sensors}
    kinds = {s: kind_of("/".join(map(str, s))) for s in sensors}
    labels = [s for s in sensors if kinds[s] == "label"]
    for other in sorted(labels, key=lambda s: not all(p.is_mask for p in probes[s]))[1:]:
        kinds[other] = "gray"
        doubts.append(f"which folder holds the masks: {'/'.join(map(str, other))} may do so, too")
    for sensor in sensors:
        if kinds[sensor] is None or (kinds[sensor] == "rgb" and probes[sensor]):
            guess, sure = guess_kind(probes[sensor], "label" in kinds.values())
            if kinds[sensor] is None or guess != "rgb":
                sure = sure or kinds[sensor] == "rgb"
                kinds[sensor] = guess
                if not sure:
                    doubts.append(f"what {_plain(sensor)} is: its pixels look like {guess}")
    names = {}
    for sensor in sensors:
        kind = kinds[sensor]
        alone = sum(other == kind for other in kinds.values()) == 1
        name = kind if alone and kind in _ONE_OF_A_KIND else _plain(sensor)
        while name in names.values() or (name == "label" and kind != "label") or name == "id":
            name += "_"
        names[sensor] = name
    return names, {names[s]: kinds[s] for s in sensors}


def _plain(sensor):
    """A sensor's name of letters, digits and underscores, as short as its parts allow."""
    parts = list(dict.fromkeys(str(part).lower() for part in sensor if str(part)))
    parts = [p for p in parts if not any(q != p and q in p for q in parts)]
    known = [p for p in parts if any(w for w in tokens(p) if isinstance(w, str))]
    name = re.sub(r"[^a-z0-9_]+", "_", "_".join(known or parts)).strip("_")
    return name if name[:1].isalpha() else f"image{name and '_'}{name}"
