"""Input pipelines of segmentation: from examples to batches `(images, labels)`.

A *source* is any `tf.data.Dataset` of `dict`s: an image `(height, width, channels)` for each
modality as it is stored (uint8, uint16, float32), an integer `"label"` `(height, width, 1)` with
255 = void, and optionally a string `"id"` which error messages then name. TFDS data sets are
sources; so are arrays, through `tf.data.Dataset.from_tensor_slices`.

A *config* (`dict` or `ConfigDict`) has the keys

| key | meaning |
|---|---|
| `modalities` | name to spec, see `preprocessing.check_modalities` |
| `num_classes` | labels are 0..num_classes-1 |
| `augmentation` | training only, see `augmentation.check_augmentation` |
| `shuffle_buffer` | training only: examples drawn from at a time. Default 1024 |
| `eval_size` | evaluation only: `(height, width)` to pad to when sizes differ. Default: none |
"""

import tensorflow as tf

from recipes.segmentation.augmentation import VOID, augment, check_augmentation, pad_to
from recipes.segmentation.checks import check_example, check_source, num_examples, require
from recipes.segmentation.preprocessing import check_modalities, normalize


def train_dataset(source, config, batch_size, seed=0, start_step=0):
    """Endless, shuffled, augmented training batches.

    The order of epoch e depends on `(seed, e)` and the augmentation of the i-th example drawn on
    `(seed, i)` alone, so that `start_step=n` continues exactly as an uninterrupted run would after
    n batches. Padding is 0 after normalization (the mean) in the images and 255 in the mask.

    Args:
        source: data set of examples, see the module's docstring.
        config: see the module's docstring.
        batch_size: examples in a (global) batch.
        seed: integer.
        start_step: number of batches to leave out at the beginning.

    Returns:
        `tf.data.Dataset` of `(images, labels)`: `images` a `dict` from modality to float32
        `(batch_size, height, width, channels)`, `labels` int32 `(batch_size, height, width)`.
    """
    modalities, count = _check(source, config, batch_size)
    check_augmentation(config["augmentation"])
    size = tuple(config["augmentation"]["size"])
    start = start_step * batch_size
    first_epoch, offset = divmod(start, count)
    buffer = min(count, config.get("shuffle_buffer") or 1024)

    def epoch_of(epoch):
        # A data set of its own for each epoch: `shuffle(...).repeat()` would hide its state.
        order = tf.random.stateless_uniform(
            (), tf.random.fold_in(tf.constant([seed, 0]), epoch), None, None, tf.int64
        )
        # The order depends on `seed` alone; a global seed could not be mixed with a symbolic one.
        tf.compat.v1.get_default_graph().seed = None
        return source.shuffle(buffer, seed=order, reshuffle_each_iteration=False)

    def prepare(index, example):
        name = example.get("id", tf.strings.as_string(index))
        example = check_example(example, modalities, config["num_classes"], name)
        draw = tf.random.fold_in(tf.constant([seed, 1]), index)
        example = augment(example, modalities, config["augmentation"], draw)
        return _finish(example, modalities, lambda image, fill: pad_to(image, size, fill))

    examples = tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(epoch_of).skip(offset)
    examples = examples.enumerate(start).map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return _with_options(examples.batch(batch_size, drop_remainder=True))


def eval_dataset(source, config, batch_size):
    """Whole images in the order of the source, once, without augmentation.

    The last batch is filled up with images of zeros whose labels are all void: every batch has the
    same size, no replica is without an example, and no metric changes. With `config["eval_size"]`,
    images are padded at the bottom and the right in the same way.

    Args:
        source: data set of examples, see the module's docstring.
        config: see the module's docstring.
        batch_size: examples in a (global) batch; 1 if sizes differ and no `eval_size` is given.

    Returns:
        `tf.data.Dataset` of `(images, labels)` as in `train_dataset`.
    """
    modalities, count = _check(source, config, batch_size)
    size = config.get("eval_size")

    def prepare(index, example):
        name = example.get("id", tf.strings.as_string(index))
        example = check_example(example, modalities, config["num_classes"], name)
        if size is None:
            return _finish(example, modalities, lambda image, fill: image)
        extent = tf.shape(example["label"])[:2]
        message = f"must be at most `eval_size` {tuple(size)} large. Received:"
        fits = tf.reduce_all(extent <= tf.constant(size, tf.int32))
        with tf.control_dependencies([require(fits, name, message, extent)]):
            example = {key: tf.identity(image) for key, image in example.items()}
        return _finish(example, modalities, lambda image, fill: pad_to(image, size, fill, False))

    def same_size(first, element):
        index, (images, label) = element
        extent = tf.shape(label)
        first = tf.where(index == 0, extent, first)
        message = "sizes must be equal: set `eval_size` or evaluate with batch size 1. Received:"
        same = tf.reduce_all(extent == first)
        with tf.control_dependencies(
            [require(same, tf.strings.as_string(index), message, first, extent)]
        ):
            return tf.identity(first), (images, label)

    def fill_batch(images, label):
        missing = batch_size - tf.shape(label)[0]
        images = {name: _fill(image, missing, 0, batch_size) for name, image in images.items()}
        return images, _fill(label, missing, VOID, batch_size)

    examples = source.enumerate().map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    if size is None and batch_size > 1:
        examples = examples.enumerate().scan(tf.zeros((2,), tf.int32), same_size)
    batches = examples.batch(batch_size).map(fill_batch)
    steps = -(-count // batch_size)
    return _with_options(batches.apply(tf.data.experimental.assert_cardinality(steps)))


def steps_per_epoch(source, batch_size):
    """Full batches in one pass over `source`, at least 1."""
    return max(1, num_examples(source) // batch_size)


def _check(source, config, batch_size):
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
    modalities = {name: dict(spec) for name, spec in config["modalities"].items()}
    check_modalities(modalities)
    if not 1 <= config["num_classes"] <= VOID:
        raise ValueError(
            f"`num_classes` must be in 1..{VOID}: label {VOID} is void. "
            f"Received: num_classes={config['num_classes']}"
        )
    return modalities, check_source(source, modalities)


def _finish(example, modalities, pad):
    """Normalizes and pads one example; returns `(images, labels)`."""
    images = {name: pad(normalize(example[name], spec), 0) for name, spec in modalities.items()}
    for name, spec in modalities.items():
        images[name] = tf.ensure_shape(images[name], (None, None, spec["channels"]))
    return images, tf.cast(pad(example["label"], VOID)[..., 0], tf.int32)


def _fill(batch, missing, value, batch_size):
    paddings = [[0, missing]] + [[0, 0]] * (batch.shape.rank - 1)
    batch = tf.pad(batch, paddings, constant_values=value)
    return tf.ensure_shape(batch, (batch_size, *batch.shape[1:]))


def _with_options(dataset):
    options = tf.data.Options()
    options.deterministic = True
    # Every worker reads all and keeps its part: the global batch does not depend on their number.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)
