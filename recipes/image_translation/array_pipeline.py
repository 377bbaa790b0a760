"""The batches of `input_pipeline` without TensorFlow, for the JAX backend.

A *source* is a sequence of examples: a `tfds.data_source` (data sets in the `parquet` or
`array_record` format), `recipes.data.array_source.ArraySource`, a list of `dict`s. Evaluation
yields the values of `input_pipeline`; training draws other random numbers of the same kind.
"""

from recipes.data import numpy_ops
from recipes.data.checks import steps_per_epoch
from recipes.data.evaluation_batches import EvaluationBatches
from recipes.data.training_batches import TrainingBatches
from recipes.image_translation import examples

__all__ = ["eval_batches", "steps_per_epoch", "train_batches"]


def train_batches(source, config, batch_size, seed=0, start_step=0, **kwargs):
    """Shuffled, augmented training batches `(inputs, target)`, endless.

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

    def prepare(example, name, uniforms):
        return examples.training_example(example, name, uniforms, config, numpy_ops)

    return TrainingBatches(
        source,
        _channels(config),
        prepare,
        batch_size,
        examples.NUM_UNIFORMS,
        seed=seed,
        start_step=start_step,
        **kwargs,
    )


def eval_batches(source, config, batch_size, **kwargs):
    """Whole images in order, `(inputs, target, weights)`, the last batch filled up.

    Args:
        source: sequence of examples.
        config: see `examples.check_config`.
        batch_size: examples in a batch.
        **kwargs: of `keras.utils.PyDataset`.

    Returns:
        `EvaluationBatches`.
    """

    def prepare(example, name):
        return examples.evaluation_example(example, name, config, numpy_ops)

    return EvaluationBatches(
        source, _channels(config), prepare, batch_size, fill=examples.fill(config), **kwargs
    )


def _channels(config):
    examples.check_config(config)
    return {name: spec["channels"] for name, spec in examples.domain_specs(config).items()}
