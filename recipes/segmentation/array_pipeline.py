"""The batches of `input_pipeline` without TensorFlow, for the JAX backend.

A *source* is a sequence of examples: a `tfds.data_source` (data sets in the `parquet` or
`array_record` format), `recipes.data.example_batches.ArraySource`, a list of `dict`s. Evaluation
yields the values of `input_pipeline`; training draws other random numbers of the same kind.
"""

from recipes.data import numpy_ops
from recipes.data.example_batches import ExampleBatches
from recipes.segmentation import examples
from recipes.segmentation.augmentation import NUM_UNIFORMS


def train_batches(source, config, batch_size, seed=0, start_epoch=0, **kwargs):
    """Shuffled, augmented training batches `(images, labels)`, an epoch at a time.

    Args:
        source: sequence of examples.
        config: see `examples.check_config`.
        batch_size: examples in a batch.
        seed: integer.
        start_epoch: number of epochs that are done.
        **kwargs: of `keras.utils.PyDataset`.

    Returns:
        `ExampleBatches`.
    """
    examples.check_config(config, training=True)

    def prepare(example, name, uniforms):
        return examples.training_example(example, name, uniforms, config, numpy_ops)

    return ExampleBatches(
        source,
        examples.channels(config),
        prepare,
        batch_size,
        NUM_UNIFORMS,
        seed=seed,
        start_epoch=start_epoch,
        **kwargs,
    )


def eval_batches(source, config, batch_size, **kwargs):
    """Whole images in order, `(images, labels)`, the last batch filled up with void.

    Args:
        source: sequence of examples.
        config: see `examples.check_config`.
        batch_size: examples in a batch; 1 if sizes differ and no `eval_size` is given.
        **kwargs: of `keras.utils.PyDataset`.

    Returns:
        `ExampleBatches`.
    """
    examples.check_config(config, training=False)

    def prepare(example, name, _):
        return examples.evaluation_example(example, name, config, numpy_ops)

    return ExampleBatches(
        source,
        examples.channels(config),
        prepare,
        batch_size,
        fill=examples.fill(config),
        **kwargs,
    )
