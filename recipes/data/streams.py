"""Batches of a `tf.data.Dataset` of examples, for one device or for many.

`prepare` says what happens to one example; everything else, the order, the shards and the last
batch, is the same for every recipe.

**Shards.** Without `input_context` the batches are global ones. With the
`tf.distribute.InputContext` that `strategy.distribute_datasets_from_function` hands over, they are
those of one replica each, and of this input pipeline alone: replica r of R gets the examples from
r * n / R to (r + 1) * n / R of each global batch of n, so that all replicas together see the
batches that one device would have seen. Every pipeline reads all examples and prepares its own.
"""

import tensorflow as tf

from recipes.data import tensorflow_ops
from recipes.data.checks import example_name, num_examples


def training_batches(
    source,
    prepare,
    batch_size,
    num_uniforms,
    *,
    seed=0,
    start_step=0,
    shuffle_buffer=1024,
    input_context=None,
):
    """Endless batches in a new order in each epoch.

    The order of epoch e depends on `(seed, e)` and the random numbers of the i-th example drawn on
    `(seed, i)` alone, so that `start_step=n` goes on exactly as an uninterrupted run would after n
    batches.

    Args:
        source: `tf.data.Dataset` of examples, see `checks`.
        prepare: function of an example, its name and `num_uniforms` random numbers in [0, 1), to
            tensors of static shape.
        batch_size: examples in a global batch.
        num_uniforms: how many random numbers `prepare` takes.
        seed: integer.
        start_step: number of batches to leave out at the beginning.
        shuffle_buffer: examples drawn from at a time.
        input_context: see the module's docstring.

    Returns:
        `tf.data.Dataset` of what `prepare` returns, with a batch axis in front.
    """
    count = num_examples(source)
    start = start_step * batch_size
    first_epoch, offset = divmod(start, count)
    buffer = min(count, shuffle_buffer)

    def epoch_of(epoch):
        # A data set of its own for each epoch: `shuffle(...).repeat()` would hide its state.
        order = tf.random.stateless_uniform(
            (), tf.random.fold_in(tf.constant([seed, 0]), epoch), None, None, tf.int64
        )
        # The order depends on `seed` alone; a global seed could not be mixed with a symbolic one.
        tf.compat.v1.get_default_graph().seed = None
        return source.shuffle(buffer, seed=order, reshuffle_each_iteration=False)

    def prepared(index, example):
        draw = tf.random.fold_in(tf.constant([seed, 1]), index)
        uniforms = tf.random.stateless_uniform((num_uniforms,), draw)
        return prepare(example, _name(example, index), uniforms)

    examples = tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(epoch_of).skip(offset)
    examples = examples.enumerate(start)
    local_size = batch_size
    if input_context is not None:
        local_size = input_context.get_per_replica_batch_size(batch_size)
        share = batch_size // input_context.num_input_pipelines
        mine = input_context.input_pipeline_id
        examples = examples.filter(lambda index, _: index % batch_size // share == mine)
    examples = examples.map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    return _with_options(examples.batch(local_size, drop_remainder=True))


def evaluation_batches(source, prepare, batch_size, fill, *, input_context=None):
    """All examples once, in the order of the source.

    The last batch is filled up: every batch has the same size and no replica is without an example.

    Args:
        source: `tf.data.Dataset` of examples, see `checks`.
        prepare: function of an example and its name to tensors.
        batch_size: examples in a global batch; 1 if the tensors' shapes differ between examples.
        fill: what the examples that fill up the last batch are made of: a structure like that of
            `prepare`'s result, with a number for each tensor.
        input_context: see the module's docstring.

    Returns:
        `tf.data.Dataset` of what `prepare` returns, with a batch axis in front.
    """
    count = num_examples(source)

    def prepared(index, example):
        return prepare(example, _name(example, index))

    def fill_batch(*batch):
        tensors = tf.nest.flatten(batch)
        missing = batch_size - tf.shape(tensors[0])[0]
        filled = [
            _fill(tensor, missing, value, batch_size)
            for tensor, value in zip(tensors, tf.nest.flatten(fill), strict=True)
        ]
        return tf.nest.pack_sequence_as(batch, filled)

    examples = source.enumerate().map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    if batch_size > 1:
        examples = _of_one_size(examples)
    batches = examples.batch(batch_size).map(fill_batch)
    steps = -(-count // batch_size)
    if input_context is not None:
        batches = _shares(batches, batch_size, input_context)
        steps *= input_context.num_replicas_in_sync // input_context.num_input_pipelines
    return _with_options(batches.apply(tf.data.experimental.assert_cardinality(steps)))


def _name(example, index):
    return example_name(example, index, tensorflow_ops)


def _of_one_size(examples):
    """Stops, with both sizes, where the shape of an example is not that of the first."""
    free = [spec for spec in tf.nest.flatten(examples.element_spec) if None in spec.shape]
    if not free:
        return examples

    def same_size(first, element):
        index, tensors = element
        tensor = [x for x in tf.nest.flatten(tensors) if None in x.shape][-1]
        first = tf.where(index == 0, tf.shape(tensor), first)
        message = "sizes must be equal: set `eval_size` or evaluate with batch size 1. Received:"
        same = tf.reduce_all(tf.shape(tensor) == first)
        name = tf.strings.as_string(index)
        check = (same, message, lambda: (first, tf.shape(tensor)))
        return tensorflow_ops.enforce([check], name, {"first": first})["first"], tensors

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
    # Every worker reads all and keeps its part: the global batch does not depend on their number.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)
