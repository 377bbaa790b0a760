"""Input pipelines of segmentation: from examples to batches `(images, labels)`.

`images` is a `dict` from modality to float32 `(batch, height, width, channels)`, `labels` int32
`(batch, height, width)`. Training batches have static shapes.

A *source* is a `tf.data.Dataset` of `dict`s, see `recipes.data.checks`: an image for each modality,
an integer `"label"` `(height, width, 1)` with 255 = void, and optionally `"id"`. TFDS data sets are
sources; so are arrays, through `tf.data.Dataset.from_tensor_slices`. A *config* is a `dict`, see
`examples.check_config`. What is done to an example stands in `examples`. The same batches without
TensorFlow: `array_pipeline`.
"""

from recipes.data import streams, tensorflow_ops
from recipes.data.checks import check_batch_size, check_source, steps_per_epoch
from recipes.segmentation import examples
from recipes.segmentation.augmentation import NUM_UNIFORMS

__all__ = ["eval_dataset", "steps_per_epoch", "train_dataset"]


def train_dataset(source, config, batch_size, seed=0, start_step=0, input_context=None):
    """Endless, shuffled, augmented training batches.

    Args:
        source: data set of examples.
        config: see `examples.check_config`.
        batch_size: examples in a (global) batch.
        seed: integer. Order and augmentation depend on it and on the place in the run alone.
        start_step: number of batches to leave out at the beginning, exactly as if they had been
            drawn.
        input_context: see `recipes.data.streams`: batches of one replica, of this pipeline's share.

    Returns:
        `tf.data.Dataset` of `(images, labels)`.
    """
    _check(source, config, batch_size, training=True)

    def prepare(example, name, uniforms):
        return examples.training_example(example, name, uniforms, config, tensorflow_ops)

    return streams.training_batches(
        source,
        prepare,
        batch_size,
        NUM_UNIFORMS,
        seed=seed,
        start_step=start_step,
        shuffle_buffer=config.get("shuffle_buffer") or 1024,
        input_context=input_context,
    )


def eval_dataset(source, config, batch_size, input_context=None):
    """Whole images in the order of the source, once, without augmentation.

    The last batch is filled up with images of zeros whose labels are all void: every batch has the
    same size, no replica is without an example, and no metric changes. With `config["eval_size"]`,
    images are padded at the bottom and the right in the same way.

    Args:
        source: data set of examples.
        config: see `examples.check_config`.
        batch_size: examples in a (global) batch; 1 if sizes differ and no `eval_size` is given.
        input_context: see `recipes.data.streams`: batches of one replica, of this pipeline's share.

    Returns:
        `tf.data.Dataset` of `(images, labels)`.
    """
    _check(source, config, batch_size, training=False)

    def prepare(example, name):
        return examples.evaluation_example(example, name, config, tensorflow_ops)

    return streams.evaluation_batches(
        source, prepare, batch_size, examples.fill(config), input_context=input_context
    )


def _check(source, config, batch_size, training):
    check_batch_size(batch_size)
    examples.check_config(config, training)
    check_source(source, examples.channels(config))
