"""Sensors that are dead, frozen or driven to their limits."""

import hashlib

import numpy as np

from tfds_builders.validate.findings import Finding

_TOP = 0.08  # share of the pixels at the greatest value, of an image that is clipped
_BACKGROUND = 0.05  # share of the pixels at the other end that are none of the scene
_AROUND = 0.3  # of the mean density: least density beside a clipped end that the scene goes on to
_BINS = 64
_MOST = 0.5  # share of a sensor's images that must be clipped
_FROZEN = 0.5  # share of a sensor's images that are alike


class Sensors:
    """Collects values at the ends of the range, image by image.

    Args:
        columns: Names of the sensors.
        depth: Those in which 0 means "not measured".
    """

    def __init__(self, columns, depth=()):
        self.columns, self.depth = columns, depth
        self.constant = {column: [] for column in columns}
        self.clipped = {column: [] for column in columns}
        self.images = {column: 0 for column in columns}
        self._digests = {column: {} for column in columns}

    def add(self, example):
        """Adds an `Example`."""
        for column in self.columns:
            if column not in example.images:
                continue
            image = example.images[column]
            name = f"{example.split} {example.name}"
            self.images[column] += 1
            values = image[np.isfinite(image).all(-1)] if image.dtype.kind == "f" else image
            digest = hashlib.blake2b(np.ascontiguousarray(image), digest_size=12).digest()
            self._digests[column].setdefault(digest, []).append(name)
            if values.size == 0 or (values == values.reshape(-1, values.shape[-1])[0]).all():
                self.constant[column].append(name)
            elif any(
                _is_clipped(values[..., c], column in self.depth) for c in range(values.shape[-1])
            ):
                self.clipped[column].append(name)

    def findings(self, spoilt=()):
        """Findings about the sensors.

        Args:
            spoilt: Columns whose values are known to be none of a sensor: they may well pile up.
        """
        for column in self.columns:
            constant, count = self.constant[column], self.images[column]
            most = max(self._digests[column].values(), key=len, default=[])
            if constant:
                text = (
                    f"{len(constant)} of {count} images of `{column}` have one value everywhere: "
                    "was the sensor on? Leave these examples out"
                )
                yield Finding(False, text, constant, name="constant_sensor")
            elif count > 3 and len(most) > _FROZEN * count:
                text = f"{len(most)} of {count} images of `{column}` are one and the same"
                yield Finding(False, text, most, name="constant_sensor")
            if len(self.clipped[column]) > _MOST * count and column not in spoilt:
                text = (
                    f"`{column}` is clipped: in {len(self.clipped[column])} of {count} images many "
                    "pixels have the greatest or the least value, and the scene goes on to it. "
                    "Export it with a wider range, or more bits"
                )
                yield Finding(False, text, self.clipped[column], name="clipped_sensor")


def _is_clipped(values, is_depth):
    """Whether pixels pile up at an end of the range that the others reach up to.

    A background of one value has a gap beside it; where a range was cut, the density beside the end
    is that of the scene.
    """
    if is_depth:
        values = values[values != 0]
    values = values.ravel().astype(np.float64)
    if values.size < 100:
        return False
    low, high = values.min(), values.max()
    if low == high:
        return False
    inner = values[(values > low) & (values < high)]
    if inner.size < 50:
        return False
    density = inner.size / _BINS
    width = (high - low) / _BINS * 2
    for end, beside in (
        (low, (values > low) & (values <= low + width)),
        (high, (values < high) & (values >= high - width)),
    ):
        at_end = (values == end).sum()
        background = (values == (high if end == low else low)).sum()
        seen = values.size - (background if background > _BACKGROUND * values.size else 0)
        if at_end > _TOP * seen and beside.sum() > _AROUND * 2 * density:
            return True
    return False
