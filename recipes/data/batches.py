"""Batches of a source of examples, for one device or for many.

What is done to one example is said by the task's *examples*, an object with

| member | meaning |
|---|---|
| `channels` | `{name: channels}` of the stored images that it reads |
| `num_uniforms` | how many random numbers `training` takes |
| `training(example, name, uniforms)` | an example as tensors of static shape |
| `evaluation(example, name)` | likewise, without chance |
| `fill` | what fills up the last batch: a number for each tensor of `evaluation` |

Everything else, the order, the shares and the last batch, is the same for every task.

**Order.** The order of epoch e depends on `(seed, e)` and the random numbers of the i-th example
drawn on `(seed, i)` alone. A run resumed at any step draws what an uninterrupted one would have.

**Shares.** Without `input_context` the batches are global ones. With the
`tf.distribute.InputContext` that `strategy.distribute_datasets_from_function` hands over, they are
those of one replica each, and of this input pipeline alone: replica r of R gets the examples from
r * n / R to (r + 1) * n / R of each global batch of n, so that all replicas together see the
batches that one device would have seen.
"""

import numpy as np
import tensorflow as tf

from recipes.data.checks import check_batch_size, check_source, enforce, example_name


def training_batches(source, examples, batch_size, seed=0, start_step=0, input_context=None):
    """Endless, shuffled, augmented batches, each epoch in a new order.

    Args:
        source: `recipes.data.sources.Source`.
        examples: see the module's docstring.
        batch_size: examples in a (global) batch.
        seed: integer.
        start_step: number of batches to leave out at the beginning; nothing is read for them.
        input_context: see the module's docstring.

    Returns:
        `tf.data.Dataset` of what `examples.training` returns, with a batch axis in front.
    """
    check_batch_size(batch_size)
    check_source(source, examples.channels)

    @tf.autograph.experimental.do_not_convert
    def prepared(index, number):
        draw = tf.random.fold_in(tf.constant([seed, 1]), index)
        uniforms = tf.random.stateless_uniform((examples.num_uniforms,), draw)
        example = source.read(number)
        return examples.training(example, example_name(example, number), uniforms)

    indices = tf.data.Dataset.range(start_step * batch_size, tf.int64.max)
    size = batch_size
    if input_context is not None:
        size = input_context.get_per_replica_batch_size(batch_size)
        share = batch_size // input_context.num_input_pipelines
        mine = input_context.input_pipeline_id
        indices = indices.filter(lambda index: index % batch_size // share == mine)
    order = _Order(len(source), seed)
    pairs = indices.map(lambda index: (index, order.number(index)))
    prepared = pairs.map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    return _with_options(prepared.batch(size, drop_remainder=True))


def evaluation_batches(source, examples, batch_size, input_context=None):
    """All examples once, in the order of the source.

    The last batch is filled up: every batch has the same size and no replica is without an example.

    Args:
        source: `recipes.data.sources.Source`.
        examples: see the module's docstring.
        batch_size: examples in a (global) batch; 1 if the tensors' shapes differ between examples.
        input_context: see the module's docstring.

    Returns:
        `tf.data.Dataset` of what `examples.evaluation` returns, with a batch axis in front.
    """
    check_batch_size(batch_size)
    check_source(source, examples.channels)

    @tf.autograph.experimental.do_not_convert
    def prepared(number):
        example = source.read(number)
        return examples.evaluation(example, example_name(example, number))

    @tf.autograph.experimental.do_not_convert
    def fill_batch(*batch):
        tensors = tf.nest.flatten(batch)
        missing = batch_size - tf.shape(tensors[0])[0]
        filled = [
            _fill(tensor, missing, value, batch_size)
            for tensor, value in zip(tensors, tf.nest.flatten(examples.fill), strict=True)
        ]
        return tf.nest.pack_sequence_as(batch, filled)

    dataset = tf.data.Dataset.range(len(source))
    dataset = dataset.map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    if batch_size > 1:
        dataset = _of_one_size(dataset)
    batches = dataset.batch(batch_size).map(fill_batch)
    steps = -(-len(source) // batch_size)
    if input_context is not None:
        batches = _shares(batches, batch_size, input_context)
        steps *= input_context.num_replicas_in_sync // input_context.num_input_pipelines
    return _with_options(batches.apply(tf.data.experimental.assert_cardinality(steps)))


def steps_per_epoch(source, batch_size):
    """Full batches in one pass over a source, at least 1."""
    return max(1, len(source) // batch_size)


def batch_keys(source, batch_size, seed):
    """Function of a step that names the examples of its training batch.

    Args:
        source, batch_size, seed: As for `training_batches`.
    """
    order = _Order(len(source), seed)

    def keys(step):
        names = []
        for index in range(step * batch_size, (step + 1) * batch_size):
            number = order.number_of(index)
            name = source[number].get("id", np.asarray(str(number))).item()
            names.append(name.decode() if isinstance(name, bytes) else str(name))
        return names

    return keys


class _Order:
    """The number of the example that is drawn as the i-th of a run."""

    def __init__(self, count, seed):
        self.count = count
        self.seed = seed
        self._epoch = None, None

    def number(self, index):
        """The number as an int64 tensor, for an int64 tensor `index`."""
        number = tf.numpy_function(self.number_of, [index], tf.int64)
        return tf.ensure_shape(number, ())

    def number_of(self, index):
        epoch, place = divmod(int(index), self.count)
        of, order = self._epoch  # read at once: other threads may replace it
        if of != epoch:
            order = np.random.default_rng((self.seed, 0, epoch)).permutation(self.count)
            self._epoch = epoch, order
        return order[place]


def _of_one_size(examples):
    """Stops, with both sizes, where the shape of an example is not that of the first."""
    free = [spec for spec in tf.nest.flatten(examples.element_spec) if None in spec.shape]
    if not free:
        return examples

    @tf.autograph.experimental.do_not_convert
    def same_size(first, element):
        index, tensors = element
        tensor = [x for x in tf.nest.flatten(tensors) if None in x.shape][-1]
        first = tf.where(index == 0, tf.shape(tensor), first)
        message = "sizes must be equal: set `eval_size` or evaluate with batch size 1. Received:"
        same = tf.reduce_all(tf.shape(tensor) == first)
        name = tf.strings.as_string(index)
        check = (same, message, lambda: (first, tf.shape(tensor)))
        return enforce([check], name, {"first": first})["first"], tensors

    return examples.enumerate().scan(tf.zeros((free[-1].shape.rank,), tf.int32), same_size)


def _shares(batches, batch_size, input_context):
    """Splits global batches into those of the replicas of one input pipeline."""
    size = input_context.get_per_replica_batch_size(batch_size)
    replicas = input_context.num_replicas_in_sync // input_context.num_input_pipelines
    first = input_context.input_pipeline_id * replicas * size

    def share(tensor):
        shape = tf.concat([[replicas, size], tf.shape(tensor)[1:]], axis=0)
        part = tf.reshape(tensor[first : first + replicas * size], shape)
        return tf.ensure_shape(part, (replicas, size, *tensor.shape[1:]))

    @tf.autograph.experimental.do_not_convert
    def shares(*batch):
        return tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(share, batch))

    return batches.flat_map(shares)


def _fill(batch, missing, value, batch_size):
    paddings = [[0, missing]] + [[0, 0]] * (batch.shape.rank - 1)
    batch = tf.pad(batch, paddings, constant_values=tf.cast(value, batch.dtype))
    return tf.ensure_shape(batch, (batch_size, *batch.shape[1:]))


def _with_options(dataset):
    options = tf.data.Options()
    options.deterministic = True
    # Every worker keeps its part: the global batch does not depend on their number.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)
