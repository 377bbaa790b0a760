"""What a file's pixels look like, where its name does not say."""

import dataclasses
import warnings

import numpy as np
import PIL.Image

from tfds_builders.multimodal_folder.image_file import read_image_file
from tfds_builders.multimodal_folder.part import split_name
from tfds_builders.reading.inside_folder import path_inside

_MOST_CLASSES = 64
_FLAT = 0.85  # share of neighbours that are equal in a mask
_NEAR = (0.05, 500)  # of floats that may be metres


@dataclasses.dataclass
class Probe:
    """A look at one image: its values, and whether the file has a palette."""

    image: np.ndarray
    palette: bool = False

    @property
    def flatness(self):
        """Share of neighbours in a row that are equal."""
        image = self.image
        return float((image[:, 1:] == image[:, :-1]).all(-1).mean()) if image.shape[1] > 1 else 0

    @property
    def is_mask(self):
        """Whether it looks like class indices: one channel, few values in even patches."""
        if self.palette:
            return True
        if self.image.shape[-1] != 1 or self.image.dtype.itemsize > 2:
            return False
        return self.flatness >= _FLAT and len(np.unique(self.image)) <= _MOST_CLASSES


def probe(root, name):
    """A `Probe` of a file that a list names, None where it cannot be read."""
    try:
        path, part = split_name(name)
        path = path_inside(root, path)
    except ValueError:
        return None
    try:
        return Probe(read_image_file(path, False, part))
    except ValueError:
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(path) as image:
                values = np.array(image)
                return Probe(values.reshape(*values.shape[:2], -1), image.mode in ("P", "1"))
    except Exception:  # whoever reads it in earnest says what is wrong
        return None


def _is_near(values):
    return _NEAR[0] < np.median(values) < _NEAR[1]


def guess_kind(probes, has_label):
    """Kind of a sensor by its pixels, and whether it is sure.

    Args:
        probes: `Probe`s of some of its images.
        has_label: Whether the masks are known already.
    """
    if not probes:
        return "gray", False
    if not has_label and all(p.is_mask for p in probes):
        return "label", all(len(np.unique(p.image)) > 1 for p in probes)
    image = probes[0].image
    channels = image.shape[-1]
    if channels in (3, 4) and image.dtype == np.uint8:
        return "rgb", True
    if channels > 1:
        return "gray", True
    values = image[np.isfinite(image) & (image != 0)].astype(np.float64)
    if image.dtype == np.uint16 and values.size:
        smooth = np.abs(np.diff(image[..., 0].astype(np.float64), axis=1))
        if np.median(smooth) < 0.01 * np.median(values):
            return "depth", False
    if image.dtype == np.float32 and values.size and values.min() > 0 and _is_near(values):
        return "depth", False
    return "gray", image.dtype == np.uint8
