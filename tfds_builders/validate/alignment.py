"""Do the sensors of an example show one view? Pairing, shift and mirror images.

Each question is asked of the data set as a whole, against its own null distribution: pairs are
compared with all other pairs of the same two sensors, shifts with all other shifts, and only what
stands out by many standard errors is said.
"""

import collections
import dataclasses
import itertools
import re

import numpy as np

from tfds_builders.validate.fields import factor_of, field, mask_colors, shrink, summary

_MOST_SHIFTED = 96  # examples whose fields are kept
_MOST_PAIRED = 800
_LEAST = 6  # examples below which nothing is said
_GROUPS = 8
_PAIRING = 5.5  # standard errors
_PEAK = 8.0  # robust standard deviations of the correlation over all shifts
_STEPS = 4.0  # standard errors of the difference of two peaks
_NEAR = 2.5  # pixels of a field within which two sensors are in place
_SHIFT = 6.0  # pixels of an image that are said to be a shift


@dataclasses.dataclass
class Misfit:
    """What two sensors do not agree in.

    Args:
        name: `wrong_pairing`, `misregistered` or `mirrored`.
        columns: Both sensors.
        what: Number of files, `(down, right)` in pixels, or the axis.
        strength: By how many standard errors.
    """

    name: str
    columns: tuple
    what: object
    strength: float


class Alignment:
    """Compares the sensors of examples.

    Args:
        columns: Names of the sensors.
        depth: Those that have holes where they are 0.
    """

    def __init__(self, columns, depth=()):
        self.columns, self.depth = tuple(columns), tuple(depth)
        self._summaries = {column: [] for column in columns}
        self._fields = {column: [] for column in columns}
        self.names = []
        self._size, self.factor, self._seen = None, 1, 0

    def add(self, example):
        """Adds an example of which all images could be read, but for the mask perhaps."""
        images = {c: example.images[c] for c in self.columns if c in example.images}
        if {*images, "label"} != {*self.columns, "label"} or len(images) < 1:
            return
        if len(self.names) >= _MOST_PAIRED:
            return
        size = next(iter(images.values())).shape[:2]
        if self._size is None:
            self._size, self.factor = size, factor_of(size)
        if any(image.shape[:2] != self._size for image in images.values()):
            images = {c: _to_size(image, self._size) for c, image in images.items()}
        if min(self._size) < 24:
            return
        self.names.append(example.name)
        for column, image in images.items():
            found = self._field(column, image)
            self._summaries[column].append(summary(found))
            if len(self._fields[column]) < _MOST_SHIFTED:
                energy = np.sqrt((np.abs(found) ** 2).sum())
                self._fields[column].append(np.fft.fft2(found / (energy + 1e-9)))

    def _field(self, column, image):
        if column == "label":
            return field(mask_colors(image, self.factor))
        holes = None
        if column in self.depth and image.shape[-1] == 1:
            holes = (image[..., 0] == 0) | ~np.isfinite(image[..., 0])
            if image.dtype == np.uint16:
                holes |= image[..., 0] == 65535
        values, holes = shrink(image, self.factor, holes)
        if holes is not None and column in self.depth and image.shape[-1] == 1:
            values = np.log(np.maximum(values, 1e-6))
        return field(values, holes if column in self.depth else None)

    def summaries(self, column):
        """Unit vectors of a sensor's examples, without what all of them have in common."""
        values = np.stack(self._summaries[column])
        values = values - values.mean(0)
        return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)

    def misfits(self):
        """List of `Misfit`s; and the pairs of sensors of which nothing can be said."""
        found, silent = [], []
        if len(self.names) < _LEAST:
            return found, list(itertools.combinations(self.columns, 2))
        # Files are shifted in the order of their names, however a list shuffles them.
        order = sorted(range(len(self.names)), key=lambda i: _by_number(self.names[i]))
        whole = [c for c in self.columns if len(self._summaries[c]) == len(self.names)]
        unit = {column: self.summaries(column)[order] for column in whole}
        for one, other in itertools.combinations(whole, 2):
            lag, paired = wrong_lag(unit[one], unit[other])
            if lag is not None:
                found.append(Misfit("wrong_pairing", (one, other), lag[0], lag[1]))
                continue
            placed = self._place(one, other)
            if isinstance(placed, Misfit):
                found.append(placed)
            elif not placed and not paired:
                silent.append((one, other))
        return found, silent

    def _place(self, one, other):
        """A `Misfit`, or whether the two are seen to be in place."""
        ways = {"": [], "left and right": [], "top and bottom": [], "180 degrees": []}
        count = len(self._fields[one])
        partner = max(1, count // 2)
        groups = np.array_split(np.arange(count), min(_GROUPS, count))
        blur = _blur(self._fields[one][0].shape)
        for group in groups:
            sums = collections.defaultdict(lambda: 0)
            for i in group:
                first = self._fields[one][i]
                true, false = self._fields[other][i], self._fields[other][(i + partner) % count]
                for way in ways:
                    sums[way] = sums[way] + first * np.conj(_flip(true, way) - _flip(false, way))
            for way in ways:
                ways[way].append(np.fft.ifft2(sums[way] * blur).real / len(group))
        maps = {way: np.stack(found) for way, found in ways.items()}
        means = {way: found.mean(0) for way, found in maps.items()}
        deviation = np.median([_deviation(mean) for mean in means.values()])
        near = _distance(means[""].shape) <= _NEAR
        at_home = _highest(means[""], near)
        far = _distance(means[""].shape) * self.factor >= _SHIFT
        away = _highest(means[""], far)
        candidates = [("misregistered", "", away)]
        for way in list(ways)[1:]:
            candidates.append(("mirrored", way, _highest(means[way], near)))
        name, way, place = max(candidates, key=lambda item: means[item[1]][item[2]])
        difference = maps[way][(slice(None), *place)] - maps[""][(slice(None), *at_home)]
        error = difference.std(ddof=1) / np.sqrt(len(difference)) + 1e-12
        steps, peak = difference.mean() / error, means[way][place] / deviation
        if peak > _PEAK and steps > _STEPS and means[way][place] > 1.3 * means[""][at_home]:
            what = way
            if name == "misregistered":
                shape = means[""].shape
                shift = [(p + s // 2) % s - s // 2 for p, s in zip(place, shape, strict=True)]
                what = tuple(-int(s) * self.factor for s in shift)
            return Misfit(name, (one, other), what, float(peak))
        return means[""][at_home] / deviation > _PEAK


def wrong_lag(one, other):
    """By how many files two sensors are apart.

    Args:
        one, other: Unit vectors of the examples, `(examples, numbers)`.

    Returns:
        `(lag, standard errors)` or None where the examples belong together or nothing stands out;
        and whether they are seen to belong together.
    """
    scores = one @ other.T
    scores = scores - scores.mean(0) - scores.mean(1)[:, None] + scores.mean()
    scores = scores / (scores.std() + 1e-12)
    count = len(scores)
    rows = np.arange(count)
    by_lag = np.stack([scores[rows, (rows + lag) % count] for lag in range(count)])
    strength = by_lag.mean(1) * np.sqrt(count)
    best = int(strength[1:].argmax()) + 1
    difference = by_lag[best] - by_lag[0]
    steps = difference.mean() / (difference.std(ddof=1) / np.sqrt(count) + 1e-12)
    if strength[best] > _PAIRING and steps > _PAIRING - 1.5:
        lag = best if best <= count // 2 else best - count
        return (lag, float(strength[best])), False
    return None, bool(strength[0] > _PAIRING)


def _by_number(name):
    return [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", name)]


def _to_size(image, size):
    rows = (np.arange(size[0]) * image.shape[0]) // size[0]
    columns = (np.arange(size[1]) * image.shape[1]) // size[1]
    return image[rows][:, columns]


def _flip(spectrum, way):
    """Spectrum of the field of a mirror image; doubled angles change their sign in a mirror."""
    if not way:
        return spectrum
    if way == "180 degrees":
        return _reverse(_reverse(spectrum, 0), 1)
    return np.conj(_reverse(spectrum, 0 if way == "left and right" else 1))


def _reverse(spectrum, axis):
    return np.roll(np.flip(spectrum, axis), 1, axis)


def _blur(shape, width=1.0):
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]
    return np.exp(-2 * (np.pi * width) ** 2 * (rows**2 + columns**2))


def _distance(shape):
    rows, columns = (np.fft.fftfreq(side, 1 / side) for side in shape)
    return np.hypot(rows[:, None], columns[None])


def _highest(values, where):
    """Place of the greatest value among some."""
    flat = int(np.where(where, values, -np.inf).argmax())
    return np.unravel_index(flat, values.shape)


def _deviation(values):
    return 1.4826 * np.median(np.abs(values - np.median(values))) + 1e-12
