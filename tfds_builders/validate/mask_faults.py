"""Masks that hold something else than class indices, or these with an offset."""

import collections
import warnings

import numpy as np
import PIL.Image

from tfds_builders.reading.void import VOID
from tfds_builders.validate.findings import Finding

_SPECK = 0.6  # share of a value's pixels that lie alone, from which on it forms no regions
_SPECKS = 4  # values without regions, and what share of all, from which on masks are lossy
_SPECKS_SHARE = 0.3
_BETWEEN = 0.08  # share of the steps from a class to another that pass through values between
_REGIONS = 0.2  # share of all pixels that lie alone, of what is no mask at all
_STEPS = 100  # that must be seen
_ALONG = 0.6  # share of the pixels of 0 that lie at another class, in thin lines
_ALWAYS, _FIXED = 0.95, 0.9  # share of the masks, and of the pixels of 0 that are always 0
_RIM, _LEAST_MASKS = 0.15, 8  # share of an image that void may be; masks to tell
_SURE = 1e-3  # chance that a class is missing in a split by accident
_DENSE = 0.4


class Masks:
    """Collects what masks hold.

    Args:
        num_classes: Number of classes, None if unknown.
    """

    def __init__(self, num_classes=None):
        self.num_classes = num_classes
        self.jpeg, self.colors, self.palettes = [], [], []
        self._alone, self._between = np.zeros(256, np.int64), np.zeros(256, np.int64)
        self._steps = 0
        self.counts = np.zeros(256, np.int64)
        self.present = collections.defaultdict(lambda: np.zeros(256, np.int64))
        self.images = collections.Counter()
        self._zero, self._zero_thin = 0, 0
        self._zero_maps = {}  # size: how often each pixel is 0, of how many masks

    def add(self, example):
        """Adds an `Example`."""
        name = f"{example.split} {example.name}"
        label, kind, mode = example.images.get("label"), None, None
        if "label" in example.paths:
            read, kind, mode = _as_it_is(example.paths["label"])
            if kind in ("JPEG", "MPO", "WEBP"):
                self.jpeg.append(name)
            if mode == "P":
                self.palettes.append(name)
            label = read if label is None else label
        if label is None:
            return
        if label.shape[-1] >= 3 and kind not in ("JPEG", "MPO", "WEBP"):
            self.colors.append(name)
        if label.shape[-1] != 1 or label.dtype.kind not in "uib":
            return
        label = label[..., 0].clip(0, VOID).astype(np.uint8)
        counts = np.bincount(label.ravel(), minlength=256)
        self._alone += np.bincount(label[~_has_equal(label)], minlength=256)
        steps, between = _steps(label)
        self._steps += steps
        self._between += between
        self.counts += counts
        self.present[example.split] += counts > 0
        self.images[example.split] += 1
        zero = label == 0
        self._zero += int(zero.sum())
        self._zero_thin += int((zero & ~_eroded(zero)).sum())
        often, masks = self._zero_maps.get(label.shape, (0, 0))
        self._zero_maps[label.shape] = often + zero.astype(np.int32), masks + 1

    @property
    def classes(self):
        """Values other than 255."""
        return [int(v) for v in np.flatnonzero(self.counts[:VOID])]

    def findings(self):
        """Findings about the masks."""
        if self.jpeg or self._is_lossy():
            where = self.jpeg
            how = f"{len(where)} masks are in JPEG"
            if not where:
                how = "the masks were compressed or interpolated before they were saved"
            yield Finding(
                True,
                f"{how}: class indices were changed along the edges. Export "
                "the masks anew as PNG; converting these files does not bring them back",
                where,
                name="jpeg_mask",
            )
            return
        if self.colors:
            yield Finding(
                True,
                f"{len(self.colors)} masks hold colours: save the class indices, in one channel "
                "(a palette image keeps both)",
                self.colors,
                name="palette_mask",
            )
            return
        if self.palettes:
            text = f"{len(self.palettes)} masks have a palette; their indices are read as they are"
            yield Finding(False, text, self.palettes, name="palette_mask", level="note")
        yield from self._offsets()
        yield from self._missing()

    def _is_lossy(self):
        """Whether compression or interpolation made values between those of the classes.

        A class forms regions, however small; and where one region ends another begins, at once: a
        thin rim between two classes is of one class, not of several.
        """
        between = self._between.sum()
        several = (self._between > 0.05 * between).sum() > 1
        if self._alone.sum() > _REGIONS * max(self.counts.sum(), 1):
            return False  # noise, whatever it is
        if several and self._steps >= _STEPS and between > _BETWEEN * self._steps:
            return True
        values = np.flatnonzero(self.counts[:VOID])
        specks = (self._alone > _SPECK * self.counts)[values].sum()
        return specks >= max(_SPECKS, _SPECKS_SHARE * len(values))

    def _offsets(self):
        values, classes = self.classes, self.num_classes
        if not values:
            return
        if values == [0] and self.counts[VOID]:
            text = "the foreground is 255, which means void: write it as 1, or label_values=(0,255)"
            yield Finding(True, text, name="foreground_is_255")
            return
        top = values[-1]
        sparse = len(values) < _DENSE * (top + 1) and top >= 24 and len(values) > 1
        if sparse and not classes and self._are_greys(values):
            text = (
                f"the masks hold {values[:12]}: greys of a palette or of a picture of masks, no "
                "class indices. Save the indices, or name the values in label_values"
            )
            yield Finding(True, text, name="palette_mask")
        elif classes and top >= classes and top != classes:
            wrong = [v for v in values if v >= classes]
            name = "palette_mask" if sparse and self._are_greys(values) else "labels_out_of_range"
            text = f"the masks hold {wrong[:8]} beside 0..{classes - 1} and 255"
            yield Finding(True, text, name=name)
        elif 0 not in values:
            if (classes and top == classes) or not classes:
                text = (
                    "the labels start at 1: no mask holds 0. Subtract 1 (255 stays void), or "
                    f"label_values={tuple(range(1, top + 1))}"
                )
                yield Finding(True, text, name="labels_start_at_1")
        elif classes and top == classes:
            text = (
                f"0 means void, and the classes are 1 to {classes}: void_values=(0,) and "
                f"label_values={tuple(range(1, classes + 1))}"
            )
            yield Finding(True, text, name="void_is_0")
        elif not classes and self._zero_is_void(values):
            text = (
                "0 seems to mean void: it lies in thin lines along the other classes, or at the "
                "same few pixels in all masks, and 255 never occurs. Then void_values=(0,) and "
                f"label_values={tuple(range(1, top + 1))}"
            )
            yield Finding(False, text, name="void_is_0")

    def _are_greys(self, values):
        """Whether values leave gaps as a palette's greys do: hardly any two follow one another."""
        steps = np.diff(values)
        return (steps > 1).mean() > 0.6

    def _zero_is_void(self, values):
        if self.counts[VOID] or len(values) < 4 or not self._zero:
            return False
        if self._zero_thin > _ALONG * self._zero:
            return True
        often, masks = max(self._zero_maps.values(), key=lambda item: item[1])
        always = often >= _ALWAYS * masks
        return (
            masks >= _LEAST_MASKS
            and always.mean() < _RIM
            and often[always].sum() > _FIXED * often.sum()
        )

    def _missing(self):
        """Classes that a split lacks, though by their frequency it should have them."""
        if len(self.images) < 2:
            return
        total = sum(self.present.values())
        everything = sum(self.images.values())
        for split, present in self.present.items():
            elsewhere = total - present
            rest = everything - self.images[split]
            lacking = {True: [], False: []}
            for value in np.flatnonzero((present[:VOID] == 0) & (elsewhere[:VOID] > 0)):
                share = (elsewhere[value] + 0.5) / (rest + 1)
                chance = (1 - min(share, 1 - 1e-9)) ** self.images[split]
                sure = split == "train" or chance < _SURE
                lacking[sure].append(f"class {value}: in {elsewhere[value]} of {rest} other masks")
            for sure, found in lacking.items():
                if found:
                    yield Finding(
                        False,
                        f"{len(found)} classes are in no mask of `{split}`: split the examples "
                        "anew, or leave the classes out",
                        found,
                        name="class_missing" if sure else "class_missing_by_chance",
                        level="warning" if sure else "note",
                    )


def _as_it_is(path):
    """Pixels, format and mode of an image file, without any check; None where Pillow cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(path) as image:
                values = np.array(image)
                return values.reshape(*values.shape[:2], -1), image.format, image.mode
    except Exception:
        return None, None, None


def _steps(label):
    """Steps between two classes, two pixels apart, and the values strictly between on the way."""
    count, between = 0, np.zeros(256, np.int64)
    for turned in (label.astype(np.int16), label.T.astype(np.int16)):
        one, middle, other = turned[:, :-2], turned[:, 1:-1], turned[:, 2:]
        apart = np.abs(one - other) >= 2
        inside = apart & (middle > np.minimum(one, other)) & (middle < np.maximum(one, other))
        count += int(apart.sum())
        between += np.bincount(middle[inside], minlength=256)
    return count, between


def _has_equal(label):
    """Whether a pixel has an equal neighbour above, below, left and right in two directions."""
    found = np.zeros(label.shape, np.uint8)
    same = label[1:] == label[:-1]
    found[1:] += same
    found[:-1] += same
    same = label[:, 1:] == label[:, :-1]
    found[:, 1:] += same
    found[:, :-1] += same
    return found >= 2


def _eroded(mask, steps=2):
    """A mask without its outermost pixels."""
    for _ in range(steps):
        inner = mask.copy()
        inner[1:] &= mask[:-1]
        inner[:-1] &= mask[1:]
        inner[:, 1:] &= mask[:, :-1]
        inner[:, :-1] &= mask[:, 1:]
        mask = inner
    return mask
