"""Input pipelines of translation: from examples to batches.

    train_dataset(source, config, batch_size, seed=0, start_step=0)  (inputs, target), endless
    eval_dataset(source, config, batch_size)                         (inputs, target, weights), once
    steps_per_epoch(source, batch_size)

`inputs` is a `dict` from domain to float32 `(batch, height, width, channels)` in [-1, 1], `target`
float32 `(batch, height, width, channels)`; all shapes are static. Every batch of `eval_dataset` has
`batch_size` examples: the last one is filled up with zeros. `weights`, float32 `(batch,)`, is 1 for
an image of the source and 0 for such a filling, and always there.

A *source* is a `tf.data.Dataset` of `dict`s, see `recipes.data.checks`; a *config* is a `dict`, see
`examples.check_config` and `data.pipeline_config`. What is done to an example stands in `examples`.
The same batches without TensorFlow: `array_pipeline`.
"""

from recipes.data import streams, tensorflow_ops
from recipes.data.checks import check_batch_size, check_source, steps_per_epoch
from recipes.image_translation import examples

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
        `tf.data.Dataset` of `(inputs, target)`.
    """
    _check(source, config, batch_size)

    def prepare(example, name, uniforms):
        return examples.training_example(example, name, uniforms, config, tensorflow_ops)

    return streams.training_batches(
        source,
        prepare,
        batch_size,
        examples.NUM_UNIFORMS,
        seed=seed,
        start_step=start_step,
        shuffle_buffer=config.get("shuffle_buffer") or 1024,
        input_context=input_context,
    )


def eval_dataset(source, config, batch_size, input_context=None):
    """Whole images at the training size, in the order of the source, once.

    Args:
        source: data set of examples.
        config: see `examples.check_config`.
        batch_size: examples in a (global) batch.
        input_context: see `recipes.data.streams`: batches of one replica, of this pipeline's share.

    Returns:
        `tf.data.Dataset` of `(inputs, target, weights)`.
    """
    _check(source, config, batch_size)

    def prepare(example, name):
        return examples.evaluation_example(example, name, config, tensorflow_ops)

    return streams.evaluation_batches(
        source, prepare, batch_size, examples.fill(config), input_context=input_context
    )


def _check(source, config, batch_size):
    check_batch_size(batch_size)
    examples.check_config(config)
    specs = examples.domain_specs(config)
    check_source(source, {name: spec["channels"] for name, spec in specs.items()})
