"""Examples by number: what the batches of training and evaluation are read from.

A source knows how many examples it has and reads any of them, so that an epoch is a permutation of
numbers, and a run that is resumed reads nothing but what it trains on.
"""

import hashlib
import os
import struct

import numpy as np
import tensorflow as tf

MEMORY = 2**31
"""Most bytes of decoded examples that are kept in memory."""


class Source:
    """Examples by number. Subclasses define `__len__`, `signature`, `read` and `fingerprint`.

    Attributes:
        signature: `{name: tf.TensorSpec}` of an example; sizes may be `None`.
    """

    def read(self, index):
        """The example of a number as `{name: tensor}`; `index` is an int64 scalar tensor."""
        raise NotImplementedError

    def fingerprint(self):
        """Hexadecimal digest of all examples: other data have another one."""
        raise NotImplementedError

    def __getitem__(self, index):
        """The example of a number as `{name: NumPy array}`."""
        example = self.read(tf.constant(index, tf.int64))
        return {name: np.asarray(tensor.numpy()) for name, tensor in example.items()}

    def dataset(self):
        """All examples in order, as a `tf.data.Dataset`."""
        read = tf.autograph.experimental.do_not_convert(self.read)
        return tf.data.Dataset.range(len(self)).map(
            read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )


class ArraySource(Source):
    """Examples that are arrays in Python. Subclasses define `__getitem__` in place of `read`."""

    def read(self, index):
        def example(number):
            found = self[int(number)]
            return [found[name] for name in self.signature]

        types = [spec.dtype for spec in self.signature.values()]
        tensors = tf.nest.flatten(tf.numpy_function(example, [index], types))
        return {
            name: tf.ensure_shape(tensor, spec.shape)
            for (name, spec), tensor in zip(self.signature.items(), tensors, strict=True)
        }


class MemorySource(ArraySource):
    """Examples in memory.

    Args:
        examples: List of `{name: array}`, alike in names, dtypes and ranks; or one such mapping
            whose arrays have the examples as their first axis.
    """

    def __init__(self, examples):
        if isinstance(examples, dict):
            lengths = {name: len(array) for name, array in examples.items()}
            if len(set(lengths.values())) != 1:
                raise ValueError(
                    f"`examples` must hold equally many of each image. Received: {lengths}"
                )
            examples = [
                dict(zip(examples, values, strict=True))
                for values in zip(*examples.values(), strict=True)
            ]
        self.examples = [
            {name: np.asarray(value) for name, value in example.items()} for example in examples
        ]
        self.signature = _signature(self.examples)

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, index):
        return dict(self.examples[index])

    def fingerprint(self):
        digest = hashlib.sha256()
        for example in self.examples:
            for name, array in example.items():
                digest.update(f"{name} {array.dtype} {array.shape}".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()


class RecordSource(Source):
    """The examples of a split of a TFDS data set, decoded one by one as they are read.

    Args:
        builder: Prepared TFDS builder.
        split: Name of the split.
        features: `tfds.features.FeaturesDict` with the images to decode, which is most of the work.
    """

    def __init__(self, builder, split, features):
        paths = builder.info.splits[split].filepaths
        if builder.info.file_format.value == "tfrecord":
            self.records = TFRecords(paths)
        else:  # parquet and array_record have random access of their own
            self.records = builder.as_data_source(split=split).data_source
        expected = builder.info.splits[split].num_examples
        if len(self.records) != expected:
            raise ValueError(
                f"The split '{split}' in {builder.data_path} must have {expected} examples. "
                f"Received: {len(self.records)}. A file is damaged: delete the folder, and build "
                "the data set again."
            )
        self.features = features
        self.signature = {
            name: tf.TensorSpec(info.shape, info.dtype)
            for name, info in features.get_tensor_info().items()
        }

    def __len__(self):
        return len(self.records)

    def read(self, index):
        def record(index):
            return bytes(self.records[int(index)])

        serialized = tf.numpy_function(record, [index], tf.string)
        return self.features.deserialize_example(tf.ensure_shape(serialized, ()))

    def fingerprint(self):
        if isinstance(self.records, TFRecords):
            return self.records.fingerprint()
        digest = hashlib.sha256()
        for index in range(len(self)):
            digest.update(hashlib.sha256(self.records[index]).digest())
        return digest.hexdigest()


class SubsetSource(Source):
    """Some examples of a source.

    Args:
        source: `Source`.
        indices: Their numbers, in order.
    """

    def __init__(self, source, indices):
        self.source = source
        self.indices = np.asarray(indices, "int64")
        self.signature = source.signature

    def __len__(self):
        return len(self.indices)

    def read(self, index):
        return self.source.read(tf.gather(self.indices, index))

    def fingerprint(self):
        own = hashlib.sha256(self.indices.tobytes()).hexdigest()
        return hashlib.sha256(f"{self.source.fingerprint()} {own}".encode()).hexdigest()


class TFRecords:
    """The records of TFRecord files by number, found by the lengths that stand before each.

    A record is its length (8 bytes), the length's checksum (4), the data, and their checksum (4).

    Args:
        paths: Paths of the files, in order.
    """

    def __init__(self, paths):
        self.paths = [os.fspath(path) for path in paths]
        places = [_index(path) for path in self.paths]
        self.files = np.repeat(np.arange(len(places)), [len(found) for found in places])
        self.places = np.concatenate([*places, np.zeros((0, 3), "uint64")])

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        path = self.paths[self.files[index]]
        try:
            return _record(
                tf.constant(path), tf.constant(int(self.places[index, 0]), tf.int64)
            ).numpy()
        except tf.errors.DataLossError as error:
            raise ValueError(
                f"Example `{index}`: its record in {path} is damaged, as its checksum says. Delete "
                "the folder, and build the data set again."
            ) from error

    def fingerprint(self):
        """Digest of the lengths and checksums of all records."""
        return hashlib.sha256(self.places[:, 1:].tobytes()).hexdigest()


def keep_in_memory(source, most=MEMORY):
    """A source whose examples are decoded once, if they take at most so many bytes.

    Args:
        source: `Source`. Taken for the size of each example is that of the first.
        most: Number of bytes.

    Returns:
        `MemorySource`, or the source itself.
    """
    size = sum(value.nbytes for value in source[0].values()) * len(source) if len(source) else 0
    if isinstance(source, MemorySource) or size > most:
        return source
    return MemorySource(list(source.dataset().as_numpy_iterator()))


def _signature(examples):
    if not examples:
        return {}
    specs, kinds = {}, _kinds(examples[0])
    for example in examples:
        if _kinds(example) != kinds:
            raise ValueError(
                "`examples` must be alike in names, dtypes and ranks. Received: "
                f"{kinds} and {_kinds(example)}"
            )
    for name, first in examples[0].items():
        sizes = {example[name].shape for example in examples}
        shape = first.shape if len(sizes) == 1 else (*(None,) * (first.ndim - 1), first.shape[-1])
        specs[name] = tf.TensorSpec(shape, kinds[name][0])
    return specs


def _kinds(example):
    """Dtype and rank of each image of an example."""
    return {
        name: ("string" if array.dtype.kind in "OSU" else array.dtype.name, array.ndim)
        for name, array in example.items()
    }


@tf.function(autograph=False)
def _record(path, place):
    """The record that begins at a place of a file; TensorFlow compares its checksums."""
    output = {"output_types": [tf.string], "output_shapes": [()]}
    # With a larger buffer more than the record is read.
    records = tf.raw_ops.TFRecordDatasetV2(
        filenames=[path], compression_type="", buffer_size=2**16, byte_offsets=[place]
    )
    first = tf.raw_ops.TakeDataset(input_dataset=records, count=1, **output)
    return tf.raw_ops.DatasetToSingleElement(dataset=first, **output)[0]


def _index(path):
    """Place, length and checksum of each record of a file, uint64 `(records, 3)`."""
    found = []
    with tf.io.gfile.GFile(path, "rb") as file:
        size, place = file.size(), 0
        while place < size:
            file.seek(place)
            header = file.read(12)
            length = struct.unpack("<Q", header[:8])[0] if len(header) == 12 else size
            end = place + 16 + length
            if end > size:
                raise ValueError(
                    f"{path} is cut short: record {len(found)} goes beyond its end. Delete its "
                    "folder, and build the data set again."
                )
            file.seek(end - 4)
            found.append((place, length, struct.unpack("<I", file.read(4))[0]))
            place = end
    return np.array(found, "uint64").reshape(-1, 3)
