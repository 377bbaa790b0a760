"""Examples that hold their own numbers, and a source that counts what is read."""

import numpy as np
import tensorflow as tf

from recipes.data.sources import MemorySource, Source


def numbered(count, **images):
    """A source whose example i is an image of one pixel with the value i."""
    numbers = np.arange(count, dtype="int32").reshape(count, 1, 1, 1)
    names = np.array([f"frame{number}" for number in range(count)])
    return MemorySource({"image": numbers, "id": names, **images})


class CountingSource(Source):
    """A source that keeps the numbers of the examples that were read in the list `read_numbers`."""

    def __init__(self, source):
        self.source = source
        self.signature = source.signature
        self.read_numbers = []

    def __len__(self):
        return len(self.source)

    def read(self, index):
        def count(number):
            self.read_numbers.append(int(number))
            return number

        number = tf.ensure_shape(tf.numpy_function(count, [index], tf.int64), ())
        return self.source.read(number)


class Numbers:
    """What is done to these examples: training gives number and draw, evaluation the number."""

    channels = {"image": 1}
    num_uniforms = 2
    fill = -1, -2.0

    def training(self, example, name, uniforms):
        return example["image"][0, 0, 0], uniforms, name

    def evaluation(self, example, name):
        return example["image"], tf.cast(example["image"], "float32")
