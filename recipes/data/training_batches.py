"""Training batches without TensorFlow."""

import keras
import numpy as np

from recipes.data.checks import check_batch_size
from recipes.data.example_reader import ExampleReader


class TrainingBatches(keras.utils.PyDataset):
    """Endless batches in a new order in each epoch, for `fit` on any Keras backend.

    The counterpart of `streams.training_batches`, for random access: the whole epoch is shuffled,
    and batch n is a function of the seed and n alone, so that `start_step=n` goes on exactly as an
    uninterrupted run would. The random numbers are NumPy's and others than those of `streams`.
    Having no end, it needs `fit(..., steps_per_epoch=...)`.

    Args:
        source: Sequence of examples: a `tfds.data_source`, an `ArraySource`, a list of `dict`s.
        channels: `dict` from the name of an image to its number of stored channels.
        prepare: Function of an example, its name and `num_uniforms` random numbers in [0, 1) to
            arrays.
        batch_size: Examples in a batch.
        num_uniforms: How many random numbers `prepare` takes.
        seed: Integer.
        start_step: Number of batches to leave out at the beginning.
        **kwargs: Of `keras.utils.PyDataset`: `workers`, `use_multiprocessing`, `max_queue_size`.
            With more than one worker Keras loses one batch where it builds a new model.
    """

    def __init__(
        self, source, channels, prepare, batch_size, num_uniforms, seed=0, start_step=0, **kwargs
    ):
        super().__init__(**kwargs)
        check_batch_size(batch_size)
        self.reader = ExampleReader(source, channels)
        self.prepare = prepare
        self.batch_size = batch_size
        self.num_uniforms = num_uniforms
        self.seed = seed
        self.start_step = start_step
        self._order = None, None

    @property
    def num_batches(self):
        return None

    def __getitem__(self, step):
        start = (self.start_step + step) * self.batch_size
        elements = [self._draw(start + place) for place in range(self.batch_size)]
        return keras.tree.map_structure(lambda *arrays: np.stack(arrays), *elements)

    def _draw(self, index):
        """The example that is drawn as the `index`-th since the beginning of the run."""
        epoch, place = divmod(index, len(self.reader))
        of, order = self._order  # read at once: other threads may replace it
        if of != epoch:
            generator = np.random.default_rng((self.seed, 0, epoch))
            order = generator.permutation(len(self.reader))
            self._order = epoch, order
        uniforms = np.random.default_rng((self.seed, 1, index)).random(self.num_uniforms, "float32")
        return self.prepare(*self.reader[int(order[place])], uniforms)
