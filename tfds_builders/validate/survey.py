"""Everything that is counted while the examples go by."""

import collections
import hashlib

import numpy as np

from tfds_builders.multimodal_folder.sizes import within_margin
from tfds_builders.reading.void import VOID
from tfds_builders.validate.image_statistics import ImageStatistics


class Survey:
    """Statistics and faults of a data set.

    Args:
        source: `FolderSource` or `BuiltSource`.
        depth: Columns that hold depth. Defaults to those with "depth" in their name.
        sheet: `ContactSheet` to fill, or None.

    Example:

    >>> from tfds_builders.validate import Survey
    >>> from tfds_builders.validate.folder_source import FolderSource
    >>> survey = Survey(FolderSource("nyudv2", num_classes=40))
    >>> for example in survey.source:
    ...     survey.add(example)
    """

    def __init__(self, source, depth=None, sheet=None):
        self.source = source
        self.depth = (
            [name for name in source.columns if "depth" in name] if depth is None else depth
        )
        unknown = sorted(set(self.depth) - set(source.columns))
        if unknown:
            raise ValueError(
                f"`depth` must name some of the columns {source.columns}. Received: {unknown}"
            )
        self.sheet = sheet
        self.columns = {name: ImageStatistics(name in self.depth) for name in source.columns}
        self.labels = {split: np.zeros(VOID + 1, np.int64) for split in source.splits}
        self.examples = collections.Counter()
        self.faults = []  # of single examples
        self.mismatches = []
        self.cropped = []
        self.turned = []
        self.wrong_labels = []
        self.void_masks = []
        self.same = collections.defaultdict(list)  # hash -> examples

    def add(self, example):
        """Adds one `Example`."""
        number = self.examples[example.split]
        self.examples[example.split] += 1
        self.faults.extend(example.faults)
        for name, image in example.images.items():
            self.columns[name].add(image)
        self._compare_sizes(example)
        self._compare_orientations(example)
        if "label" in example.images:
            self._count_labels(example)
        for name in ("rgb", *self.source.columns):
            if name in example.images and name != "label":
                image = np.ascontiguousarray(example.images[name])
                digest = hashlib.blake2b(image, digest_size=16)
                digest.update(repr(image.shape).encode())
                self.same[digest.digest()].append((example.split, example.name))
                break
        if self.sheet is not None:
            self.sheet.offer(example, number, len(self.source.splits[example.split]))

    @property
    def duplicates(self):
        """Lists of examples of one split that have the same picture."""
        groups = []
        for same in self.same.values():
            for split in sorted({split for split, _ in same}):
                names = [name for of, name in same if of == split]
                if len(names) > 1:
                    groups.append((split, names))
        return groups

    @property
    def overlaps(self):
        """Lists of `(split, name)` with the same picture in several splits."""
        return [same for same in self.same.values() if len({split for split, _ in same}) > 1]

    def _compare_sizes(self, example):
        sizes = {
            name: image.shape[:2]
            for name, image in example.images.items()
            if name not in self.source.resized
        }
        if len(set(sizes.values())) < 2:
            return
        listed = ", ".join(f"{name} {h}x{w}" for name, (h, w) in sizes.items())
        message = f"{example.split} {example.name}: {listed}"
        reference = sizes.get("label") if self.source.may_be_cropped else None
        if reference and all(within_margin(size, reference) for size in sizes.values()):
            self.cropped.append(message)
        else:
            self.mismatches.append(message)

    def _compare_orientations(self, example):
        if len(set(example.orientations.values())) > 1:
            listed = ", ".join(f"{name} {value}" for name, value in example.orientations.items())
            self.turned.append(f"{example.split} {example.name}: {listed}")

    def _count_labels(self, example):
        label = example.images["label"]
        values, counts = np.unique(label, return_counts=True)
        known = (values >= 0) & (values <= VOID)
        np.add.at(self.labels[example.split], values[known].astype(int), counts[known])
        classes = self.source.num_classes or VOID
        wrong = values[((values < 0) | (values >= classes)) & (values != VOID)]
        if wrong.size:
            listed = ", ".join(str(value) for value in wrong[:8])
            self.wrong_labels.append(f"{example.split} {example.name}: {listed}")
        if values.size == 1 and values[0] == VOID:
            self.void_masks.append(f"{example.split} {example.name}")
