"""Reading one example of a sequence."""

import numpy as np

from recipes.data import numpy_ops
from recipes.data.checks import check_entries, example_name, num_examples


class ExampleReader:
    """The images of a sequence of examples, checked and by number.

    Args:
        source: Sequence of `dict`s: a `tfds.data_source`, an `ArraySource`, a list.
        channels: `dict` from the name of an image to its number of stored channels.
    """

    def __init__(self, source, channels):
        self.source = source
        self.channels = dict(channels)
        self.count = num_examples(source)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        """The images of an example, and the name that error messages give it."""
        example = self.source[index]
        name = numpy_ops.text(example_name(example, index, numpy_ops))
        images = {key: np.asarray(example[key]) for key in self.channels if key in example}
        shapes = {key: image.shape for key, image in images.items()}
        check_entries(shapes, self.channels, f"Example `{name}`")
        return images, name
