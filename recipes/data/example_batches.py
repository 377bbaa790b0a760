"""Batches of a sequence of examples, without TensorFlow."""

import keras
import numpy as np

from recipes.data import numpy_ops
from recipes.data.checks import check_batch_size, check_entries, example_name, num_examples


class ArraySource:
    """A `dict` of arrays with a common first axis, as a sequence of examples.

    `tf.data.Dataset.from_tensor_slices(arrays)` is the same for `tf.data`.

    Args:
        arrays: `dict` from name to array `(examples, height, width, channels)`, optionally with
            `"id"`, names for error messages.
    """

    def __init__(self, arrays):
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(
                f"`arrays` must hold equally many examples of each image. Received: {lengths}"
            )
        self.arrays = dict(arrays)

    def __len__(self):
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, index):
        return {name: array[index] for name, array in self.arrays.items()}


class ExampleBatches(keras.utils.PyDataset):
    """Batches for `fit`, `evaluate` and `predict` on any Keras backend.

    The counterpart of `streams`, for random access. In training each epoch has an order of its own,
    and epochs follow one another without a gap: an example that does not fit into the last batch of
    an epoch is in the first of the next one. The random numbers are NumPy's, not those of
    `streams`, and depend on the seed and the example's place in the run alone: `start_epoch=n` goes
    on as an uninterrupted run would.

    Args:
        source: Sequence of examples: a `tfds.data_source`, an `ArraySource`, a list of `dict`s.
        channels: `dict` from the name of an image to its number of stored channels.
        prepare: Function of an example, its name and the random numbers (none in evaluation) to
            arrays.
        batch_size: Examples in a batch.
        num_uniforms: How many random numbers `prepare` takes; 0 for evaluation: every example once,
            in order, with a smaller last batch unless `fill` is given.
        fill: As in `streams.evaluation_batches`.
        seed: Integer.
        start_epoch: Number of epochs that are done.
        **kwargs: Of `keras.utils.PyDataset`: `workers`, `use_multiprocessing`, `max_queue_size`.
    """

    def __init__(
        self,
        source,
        channels,
        prepare,
        batch_size,
        num_uniforms=0,
        fill=None,
        seed=0,
        start_epoch=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_batch_size(batch_size)
        self.count = num_examples(source)
        self.source = source
        self.channels = dict(channels)
        self.prepare = prepare
        self.batch_size = batch_size
        self.num_uniforms = num_uniforms
        self.fill = fill
        self.seed = seed
        self.epoch = start_epoch
        self._order = None, None

    def __len__(self):
        if self.num_uniforms:
            return max(1, self.count // self.batch_size)
        return -(-self.count // self.batch_size)

    def on_epoch_end(self):
        self.epoch += 1

    def __getitem__(self, step):
        if not 0 <= step < len(self):
            raise IndexError(f"`step` must be in 0..{len(self) - 1}. Received: step={step}")
        if self.num_uniforms:
            start = (self.epoch * len(self) + step) * self.batch_size
            elements = [self._draw(start + i) for i in range(self.batch_size)]
        else:
            start = step * self.batch_size
            indices = range(start, min(start + self.batch_size, self.count))
            elements = [self.prepare(*self._read(index), None) for index in indices]
        batch = keras.tree.map_structure(lambda *arrays: np.stack(arrays), *elements)
        if self.fill is not None and len(elements) < self.batch_size:
            batch = keras.tree.map_structure(self._fill, batch, self.fill)
        return batch

    def _draw(self, index):
        """The example that is drawn as the `index`-th since the beginning of the run."""
        epoch, place = divmod(index, self.count)
        of, order = self._order  # read at once: other threads may replace it
        if of != epoch:
            order = np.random.default_rng((self.seed, 0, epoch)).permutation(self.count)
            self._order = epoch, order
        uniforms = np.random.default_rng((self.seed, 1, index)).random(self.num_uniforms, "float32")
        return self.prepare(*self._read(int(order[place])), uniforms)

    def _read(self, index):
        example = self.source[index]
        name = example_name(example, index, numpy_ops)
        images = {key: np.asarray(example[key]) for key in self.channels if key in example}
        where = f"Example `{numpy_ops.text(name)}`: `example`"
        check_entries({key: image.shape for key, image in images.items()}, self.channels, where)
        return images, name

    def _fill(self, batch, value):
        missing = np.full((self.batch_size - len(batch), *batch.shape[1:]), value, batch.dtype)
        return np.concatenate([batch, missing])
