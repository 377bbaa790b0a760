"""A data set as a run uses it: its splits, and what a model must know of it."""

import dataclasses
import functools
import os

import numpy as np
import tensorflow_datasets as tfds

from recipes.data.presence import PRESENT
from recipes.data.sources import RecordSource, SubsetSource, keep_in_memory

EVALUATED = ("test", "validation", "train")
"""Splits that are reported on, the first one that there is."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a model must know of the data that it was trained on, kept in the run's folder."""

    name: str  # full name of the data set
    path: str  # where TFDS keeps it
    channels: dict  # image -> number of stored channels
    dtypes: dict  # image -> name of the dtype it is stored in
    splits: dict  # split -> number of examples
    class_names: tuple = ()  # of the masks, if there are any
    units_per_metre: float | None = None  # of the depth, where the data set says it
    sensors: tuple = ()  # columns of `"present"`, where the data set says what is absent

    def to_dict(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values):
        tuples = {name: tuple(values.get(name, ())) for name in ("class_names", "sensors")}
        return cls(**{**values, **tuples})


class DataSet:
    """A prepared data set with the splits that a run uses.

    Args:
        builder: Prepared TFDS builder.
        hold_out: Share of the training split that is kept apart as validation split, in [0, 1).
            Which examples these are depends on nothing else, no seed either.
        report_on: Name of the split that is reported on; see `evaluated_split`.
    """

    def __init__(self, builder, hold_out=0.0, report_on=""):
        self.builder = builder
        self.hold_out = hold_out
        self.report_on = report_on
        self._kept = {}
        self._stored = {name: (name, None) for name in builder.info.splits}
        if hold_out:
            if self._counts["train"] < 2:
                raise ValueError(
                    "`config.data.hold_out` needs at least two training examples. Received: "
                    f"hold_out={hold_out}, {self._counts['train']} example(s)"
                )
            if "validation" in self._stored:  # nothing is chosen on it
                self._stored.setdefault("test", ("validation", None))
            self._stored.update(train=("train", False), validation=("train", True))
        if report_on:
            self.stored_split(report_on)

    @property
    def features(self):
        return self.builder.info.features

    @property
    def _counts(self):
        return {name: split.num_examples for name, split in self.builder.info.splits.items()}

    @property
    def splits(self):
        """Names of the splits. With `hold_out`, `validation` is the part of `train` that is kept
        apart, and the data set's own validation split is `test`, unless there is one."""
        return sorted(self._stored)

    @property
    def validation(self):
        """`("validation",)` if there is that split, otherwise nothing."""
        return ("validation",) if "validation" in self._stored else ()

    @property
    def evaluated_split(self):
        """The split that is reported on: `test`, or else `validation`, or else `train`, if
        `report_on` does not say otherwise."""
        names = (self.report_on, *EVALUATED, *self.splits)
        return next(name for name in names if name in self._stored)

    def stored_split(self, split):
        """The split of the data set that a split is a part of."""
        if split not in self._stored:
            raise ValueError(f"`split` must be one of {self.splits}. Received: split={split!r}")
        return self._stored[split][0]

    def source(self, split, names=None, memory=False):
        """The examples of a split.

        Args:
            split: Name of the split.
            names: Names of the images to decode, which is most of the work; all by default.
            memory: Whether decoded examples are kept in memory where they are small.
        """
        if memory:
            key = split, names
            if key not in self._kept:
                self._kept[key] = keep_in_memory(self.source(split, names))
            return self._kept[key]
        stored = self.stored_split(split)
        held_out = self._stored[split][1]
        features = self.features
        if names is not None:
            also = ("id", PRESENT) if self.sensors() else ("id",)
            wanted = {name: True for name in features if name in (*names, *also)}
            features = tfds.decode.PartialDecoding(wanted).extract_features(features)
        source = RecordSource(self.builder, stored, features)
        if held_out is not None:
            source = SubsetSource(source, self._part(len(source), held_out))
        return source

    def _part(self, count, held_out):
        order = np.random.default_rng(2).permutation(count)
        size = min(max(1, round(self.hold_out * count)), count - 1)
        return np.sort(order[:size] if held_out else order[size:])

    @functools.cached_property
    def identity(self):
        """What a resumed run must find again; see `keras_asym.training.Training.data`."""
        train = self.source("train")
        return {
            "name": self.builder.info.full_name,
            "number_of_training_examples": len(train),
            "fingerprint": train.fingerprint(),
        }

    def facts(self, names):
        """`Facts` about the images of these names."""
        classes = self.features["label"].names if "label" in self.features else ()
        return Facts(
            self.builder.info.full_name,
            os.fspath(self.builder.data_path),
            {name: int(self.features[name].shape[-1]) for name in names},
            {name: np.dtype(self.features[name].np_dtype).name for name in names},
            self._counts,
            tuple(classes),
            self.units_per_metre(),
            self.sensors(),
        )

    def units_per_metre(self):
        """Unit of the depth images where the data set says it, or `None`."""
        return (self.builder.info.metadata or {}).get("units_per_metre")

    def sensors(self):
        """Columns of the feature `"present"`, see `recipes.data.presence`; `()` without one."""
        named = (self.builder.info.metadata or {}).get("sensors") or ()
        return tuple(named) if PRESENT in self.features else ()

    def nodata(self):
        """`{image: value}` that the files declare for pixels without data."""
        return (self.builder.info.metadata or {}).get("nodata") or {}
