"""Frames of the official `nyu_depth_v2_labeled.mat`."""

import numpy as np

from tfds_builders.nyudv2_rgbd.label_tables import NUM_ORIGINAL_CLASSES
from tfds_builders.reading import hdf5_variable

_WIDTH, _HEIGHT = 640, 480


class LabeledMat:
    """Reads one frame at a time: the archive's size does not matter to the memory.

    Args:
        file: The archive as an `h5py.File`. Its axes are reversed: `(frames, width, height)`.
        name: What to call it in errors.
        raw_depth: Whether `rawDepths` is read instead of `depths`.

    Raises:
        ValueError: If a variable is missing or of another type or shape.
    """

    def __init__(self, file, name, raw_depth=False):
        self.name = name
        self._depth_name = "rawDepths" if raw_depth else "depths"
        self._images = self._variable(file, "images", np.uint8, (3, _WIDTH, _HEIGHT))
        self._depths = self._variable(file, self._depth_name, np.float32, (_WIDTH, _HEIGHT))
        self._labels = self._variable(file, "labels", np.uint16, (_WIDTH, _HEIGHT))
        lengths = {len(v) for v in (self._images, self._depths, self._labels)}
        if len(lengths) > 1:
            raise ValueError(
                f"{name}: images, {self._depth_name} and labels must hold equally many frames. "
                f"Received: {sorted(lengths)}"
            )

    def _variable(self, file, variable, dtype, shape):
        found = hdf5_variable(file, self.name, variable)
        if found.dtype != dtype or found.shape[1:] != shape:
            raise ValueError(
                f"{self.name}, variable {variable}: must be {np.dtype(dtype)} of shape "
                f"(frames, {', '.join(map(str, shape))}). "
                f"Received: {found.dtype} of shape {found.shape}"
            )
        return found

    def __len__(self):
        return len(self._images)

    def frame_name(self, index, variable):
        """What a frame is called in errors. Numbers count from 1, as in MATLAB."""
        return f"{self.name}, variable {variable}, frame {index + 1}"

    def _read(self, variable, dataset, index):
        try:
            return dataset[index]
        except (OSError, RuntimeError) as error:  # what h5py raises for damaged chunks
            raise ValueError(
                f"{self.frame_name(index, variable)}: cannot be read: {error}"
            ) from error

    def rgb(self, index):
        """`(480, 640, 3)` uint8 array."""
        return self._read("images", self._images, index).transpose(2, 1, 0)

    def metres(self, index):
        """`(480, 640, 1)` float32 array, depth along the optical axis."""
        return self._read(self._depth_name, self._depths, index).T[..., None]

    def depth_name(self, index):
        """What a frame's depth is called in errors."""
        return self.frame_name(index, self._depth_name)

    def labels(self, index):
        """`(480, 640, 1)` uint16 array: 0 for unlabelled pixels, or 1..894."""
        labels = self._read("labels", self._labels, index).T[..., None]
        if labels.max() > NUM_ORIGINAL_CLASSES:
            raise ValueError(
                f"{self.frame_name(index, 'labels')}: labels must be in 0..{NUM_ORIGINAL_CLASSES}. "
                f"Received: {labels.max()}"
            )
        return labels
