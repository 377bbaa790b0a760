"""The frames of SUN RGB-D, their splits and labels, from `SUNRGBDtoolbox.zip`."""

import contextlib
import dataclasses
import posixpath

import numpy as np

from tfds_builders.reading import (
    VOID,
    check_image_bytes,
    hdf5_variable,
    load_mat,
    open_hdf5,
    safe_member,
)

CAMERAS = ("kv1", "kv2", "realsense", "xtion")
NUM_CLASSES = 37
_META = "SUNRGBDtoolbox/Metadata/SUNRGBDMeta.mat"
_SPLITS = "SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat"
_LABELS = "SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat"
# More than all masks as 32-bit integers: 10335 of at most 730x530.
_MAX_LABEL_BYTES = 2**34
_SPLIT_VARIABLES = {"train": "alltrain", "test": "alltest"}
# 0 is unlabelled.
_TRAIN_IDS = np.array([VOID, *range(NUM_CLASSES)], np.uint8)


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame.

    Args:
        folder: Its folder in `SUNRGBD.zip`, as "SUNRGBD/kv1/NYUdata/NYU0001".
        image: File name of the RGB image.
        depth: File name of the depth, raw or in-painted.
        index: Position in the list of labels, from 0.
    """

    folder: str
    image: str
    depth: str
    index: int

    @property
    def camera(self):
        return self.folder.split("/")[1]


def _path_inside(path):
    """Where a path of the authors' machine is in `SUNRGBD.zip`."""
    parts = path.replace("\\", "/").split("/")
    if "SUNRGBD" not in parts:
        raise ValueError(f"paths must lead into SUNRGBD/. Received: {path!r}")
    inside = safe_member("/".join(parts[parts.index("SUNRGBD") :]))
    top, camera, *_ = [*inside.split("/"), ""]
    if top != "SUNRGBD" or camera not in CAMERAS:
        raise ValueError(f"paths must lead into SUNRGBD/ and one of {CAMERAS}. Received: {path!r}")
    return inside


def _strings(array):
    """The strings of a MATLAB cell array."""
    return [str(entry.item()) if entry.size == 1 else "" for entry in array.ravel()]


class Toolbox:
    """Lists of frames and their labels.

    Args:
        archive: The toolbox, see `tfds_builders.reading.open_archive`.

    Raises:
        ValueError: All methods: if a member is missing or damaged or does not hold what it must.
            The message names archive and member.
    """

    def __init__(self, archive):
        self._archive = archive

    def _load(self, member, variables):
        return load_mat(self._archive.read(member), self._archive.name(member), variables)

    def _frames(self):
        (meta,) = self._load(_META, ["SUNRGBDMeta"])
        missing = {"rgbpath", "depthname"} - set(meta.dtype.names or ())
        if missing:
            raise self._archive.error(_META, f"SUNRGBDMeta must have the fields {sorted(missing)}.")
        frames = {}
        paths = zip(_strings(meta["rgbpath"]), _strings(meta["depthname"]), strict=True)
        for index, (rgb, depth) in enumerate(paths):
            try:
                path = _path_inside(rgb)
                folder = posixpath.dirname(posixpath.dirname(path))
                if folder in frames:
                    raise ValueError(f"{folder!r} is listed twice.")
            except ValueError as error:
                raise self._archive.error(_META, f"frame {index + 1}: {error}") from None
            frames[folder] = Frame(folder, posixpath.basename(path), depth, index)
        return frames

    def splits(self):
        """Dictionary from split to `Frame`s."""
        frames = self._frames()
        splits, seen = {}, set()
        lists = self._load(_SPLITS, list(_SPLIT_VARIABLES.values()))
        for (split, variable), paths in zip(_SPLIT_VARIABLES.items(), lists, strict=True):
            splits[split] = []
            for number, path in enumerate(_strings(paths), start=1):
                try:
                    folder = _path_inside(path)
                    if folder not in frames:
                        raise ValueError(f"SUNRGBDMeta.mat has no frame {folder!r}.")
                    if folder in seen:
                        raise ValueError(f"the frame {folder!r} is listed twice.")
                except ValueError as error:
                    raise self._archive.error(_SPLITS, f"{variable}, {number}: {error}") from None
                seen.add(folder)
                splits[split].append(frames[folder])
            if not splits[split]:
                raise self._archive.error(_SPLITS, f"{variable} must not be empty.")
        self._archive.require([_LABELS])
        return splits

    @contextlib.contextmanager
    def open_labels(self):
        """Context with a function from `Frame` to `(height, width, 1)` uint8 train ids.

        Labels are read by reference, one frame at a time. Out of a zip, the file with all labels is
        unpacked once, into the folder for temporary files (TMPDIR).
        """
        name = self._archive.name(_LABELS)
        with open_hdf5(self._archive.local_path(_LABELS, _MAX_LABEL_BYTES), name) as file:
            references = hdf5_variable(file, name, "SUNRGBD2Dseg/seglabel")[()].ravel()

            def label(frame):
                try:
                    stored = file[references[frame.index]]
                    check_image_bytes(stored.shape, stored.dtype.itemsize)
                    return _train_ids(stored[()].T)
                except Exception as error:  # h5py raises errors of many kinds for damaged files
                    raise ValueError(
                        f"{name}, seglabel {frame.index + 1} ({frame.folder}): {error}"
                    ) from error

            yield label


def _train_ids(label):
    if label.ndim != 2 or label.dtype.kind not in "ui":
        raise ValueError(
            "labels must be an array (height, width) of integers. "
            f"Received: {label.dtype} of shape {label.shape}"
        )
    if label.min() < 0 or label.max() > NUM_CLASSES:
        raise ValueError(
            f"labels must be in 0..{NUM_CLASSES}. Received: {label.min()}..{label.max()}"
        )
    return _TRAIN_IDS[label][..., None]
