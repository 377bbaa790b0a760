"""Evaluation batches without TensorFlow."""

import keras
import numpy as np

from recipes.data.checks import check_batch_size
from recipes.data.example_reader import ExampleReader


class EvaluationBatches(keras.utils.PyDataset):
    """All examples once, in order, for `evaluate` and `predict` on any Keras backend.

    The counterpart of `streams.evaluation_batches`: the last batch is filled up.

    Args:
        source: Sequence of examples: a `tfds.data_source`, an `ArraySource`, a list of `dict`s.
        channels: `dict` from the name of an image to its number of stored channels.
        prepare: Function of an example and its name to arrays.
        batch_size: Examples in a batch; 1 if the arrays' shapes differ between examples.
        fill: What the examples that fill up the last batch are made of: a structure like that of
            `prepare`'s result, with a number for each array.
        **kwargs: Of `keras.utils.PyDataset`: `workers`, `use_multiprocessing`, `max_queue_size`.
    """

    def __init__(self, source, channels, prepare, batch_size, fill, **kwargs):
        super().__init__(**kwargs)
        check_batch_size(batch_size)
        self.reader = ExampleReader(source, channels)
        self.prepare = prepare
        self.batch_size = batch_size
        self.fill = fill

    def __len__(self):
        return -(-len(self.reader) // self.batch_size)

    def __getitem__(self, step):
        if not 0 <= step < len(self):
            raise IndexError(f"`step` must be in 0..{len(self) - 1}. Received: step={step}")
        start = step * self.batch_size
        stop = min(start + self.batch_size, len(self.reader))
        elements = [self.prepare(*self.reader[index]) for index in range(start, stop)]
        batch = keras.tree.map_structure(self._stack, *elements)
        return keras.tree.map_structure(self._fill, batch, self.fill)

    def _stack(self, *arrays):
        sizes = sorted({array.shape for array in arrays})
        if len(sizes) > 1:
            raise ValueError(
                "Sizes must be equal: set `eval_size` or evaluate with batch size 1. Received: "
                f"{' and '.join(map(str, sizes))}"
            )
        return np.stack(arrays)

    def _fill(self, batch, value):
        missing = np.full((self.batch_size - len(batch), *batch.shape[1:]), value, batch.dtype)
        return np.concatenate([batch, missing]) if len(missing) else batch
