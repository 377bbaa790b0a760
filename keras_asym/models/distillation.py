"""Distillation: what all sensors say teaches those that are left by modality dropout."""

import math

from keras import ops

from keras_asym.losses import whole_numbers
from keras_asym.ops import sum_over_replicas


def check_distillation(weight, modality_dropout):
    """Raises `ValueError` unless it is a weight that has something to do."""
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0 <= weight < math.inf:
        raise ValueError(
            f"`distillation` must be a finite number of at least 0. Received: {weight!r}"
        )
    if weight and not modality_dropout:
        raise ValueError(
            "`distillation` must be 0 without `modality_dropout`, which leaves out what it teaches "
            f"to do without. Received: distillation={weight}"
        )
    return float(weight)


def distillation_loss(y_true, student, teacher, lost, ignore_class):
    """Mean distance of what is left of an example to what all of its sensors say.

    `sum(KL(softmax(teacher) || softmax(student)))` over the pixels of examples that have lost a
    sensor, divided by the number of valid pixels of all examples in all replicas (knowledge
    distillation at temperature 1, Hinton et al. 2015,
    [arXiv 1503.02531](https://arxiv.org/abs/1503.02531)). Void pixels count nowhere: this package's
    choice, so that the sums are those of the other losses.

    Args:
        y_true: Labels `(batch, height, width)` or `(batch, height, width, 1)`.
        student, teacher: Logits `(batch, height, width, num_classes)`; the latter get no gradient.
        lost: Boolean `(batch,)`: which examples have lost a sensor.
        ignore_class: The void label.

    Returns:
        Scalar.
    """
    labels, _ = whole_numbers(y_true)
    if len(labels.shape) == len(student.shape):
        labels = ops.squeeze(labels, axis=-1)
    valid = labels != ignore_class
    taught = ops.log_softmax(ops.stop_gradient(teacher), axis=-1)
    learned = ops.log_softmax(student, axis=-1)
    values = ops.sum(ops.exp(taught) * (taught - learned), axis=-1)
    values = ops.where(valid & ops.reshape(lost, (-1, 1, 1)), values, 0.0)
    number = sum_over_replicas(ops.sum(ops.cast(valid, values.dtype)))
    return ops.sum(values) / ops.where(number > 0, number, 1.0)
