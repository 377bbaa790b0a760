"""Examples with faults, and a network that is told which sensors are absent."""

import numpy as np

from recipes.data.sources import ArraySource
from recipes.segmentation.corruptions import corrupt


class FaultySource(ArraySource):
    """The examples of a source as faulty sensors give them.

    Args:
        source: `Source`.
        faults: Sequence of `cells.Fault`, at most one of a sensor.
        seed: Non-negative integer.
    """

    def __init__(self, source, faults, seed):
        self.source = source
        self.faults = faults
        self.seed = seed
        self.signature = source.signature

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        example = dict(self.source[index])
        for fault in self.faults:
            name = fault.sensor.name
            images = _Images(self.source, name)
            example[name] = corrupt(
                images, index, fault.sensor, fault.corruption, fault.severity, self.seed
            )
        return example

    def fingerprint(self):
        raise NotImplementedError("what is evaluated alone has none")


class _Images:
    """The images of one sensor, in their order."""

    def __init__(self, source, name):
        self.source = source
        self.name = name

    def __getitem__(self, index):
        return self.source[index][self.name]


class Masked:
    """A Segmenter that is told which sensors are absent, by `present`: none is filled with zeros.

    Only its ensemble is looked at. An example that lacks all that are left, by what the data say of
    it, is predicted from these as they are.

    Args:
        model: `Segmenter`.
        names: Names of the sensors that are there.
    """

    output_keys = ("ensemble",)

    def __init__(self, model, names):
        self.model = model
        self.modality_names = tuple(name for name in model.modality_names if name in names)
        self.present = np.array([name in names for name in model.modality_names])

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict_on_batch(self, images):
        size = len(images[self.model.modality_names[0]])
        present = np.broadcast_to(self.present, (size, len(self.present)))
        if "present" in images:
            both = present & np.asarray(images["present"])
            present = np.where(both.any(1, keepdims=True), both, present)
        return self.model.predict_on_batch({**images, "present": present})
