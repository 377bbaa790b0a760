"""The batches of `input_pipeline` without TensorFlow, for the JAX backend.

A *source* is a sequence of examples: a `tfds.data_source` (data sets in the `parquet` or
`array_record` format), `recipes.data.array_source.ArraySource`, a list of `dict`s. Evaluation
yields the values of `input_pipeline`; training draws other random numbers of the same kind.
"""

from recipes.data import numpy_ops
from recipes.data.checks import steps_per_epoch
from recipes.data.evaluation_batches import EvaluationBatches
from recipes.data.training_batches import TrainingBatches
from recipes.segmentation import examples
from recipes.segmentation.augmentation import NUM_UNIFORMS

__all__ = ["eval_batches", "steps_per_epoch", "train_batches"]


def train_batches(source, config, batch_size, seed=0, start_step=0, **kwargs):
    """Shuffled, augmented training batches `(images, labels)`, endless.

    Args:
        source: sequence of examples.
        config: see `examples.check_config`.
        batch_size: examples in a batch.
        seed: integer.
        start_step: number of batches to leave out at the beginning.
        **kwargs: of `keras.utils.PyDataset`.

    Returns:
        `TrainingBatches`.
    """
    examples.check_config(config, training=True)

    def prepare(example, name, uniforms):
        return examples.training_example(example, name, uniforms, config, numpy_ops)

    return TrainingBatches(
        source,
        examples.channels(config),
        prepare,
        batch_size,
        NUM_UNIFORMS,
        seed=seed,
        start_step=start_step,
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
        `EvaluationBatches`.
    """
    examples.check_config(config, training=False)

    def prepare(example, name):
        return examples.evaluation_example(example, name, config, numpy_ops)

    return EvaluationBatches(
        source,
        examples.channels(config),
        prepare,
        batch_size,
        fill=examples.fill(config),
        **kwargs,
    )
