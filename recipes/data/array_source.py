"""Arrays as a source of examples."""


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
