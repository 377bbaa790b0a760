"""Distillation from the full set of an example's sensors to what modality dropout has left of them.

The teacher is the ensemble of the same network on all sensors that the example has (Hinton et al.
2015, [arXiv 1503.02531](https://arxiv.org/abs/1503.02531), section 2). It answers as at test time,
with moving statistics and without dropout: that is what a subset is to come near to, and nothing of
the network changes by it. It gets no gradient. The pupils are the branches, and not the ensemble,
as no gradient passes from the ensemble to them. Teacher and pupils are this package's choice.
"""

import math

from keras import ops

from keras_asym.losses import align_weights, mean_over_replicas, whole_numbers

TEACHER = "ensemble/teacher"
"""Key of the teacher's logits among a model's outputs in training; no modality has a slash."""


def check_distillation(weight, temperature, modality_dropout, probabilities):
    """The weight and the temperature as Python's numbers, checked.

    Args:
        weight, temperature, modality_dropout: Arguments of the `Segmenter`.
        probabilities: Whether its network ends in a softmax or sigmoid.

    Raises:
        ValueError: If the weight is no number of at least 0, or not 0 without modality dropout or
            logits; if the temperature is no number above 0.
    """
    if not _is_finite(weight) or weight < 0:
        raise ValueError(
            "`distillation` must be a finite number of at least 0, the weight of the loss. "
            f"Received: distillation={weight!r}"
        )
    if not _is_finite(temperature) or temperature <= 0:
        raise ValueError(
            "`distillation_temperature` must be a finite number above 0. Received: "
            f"distillation_temperature={temperature!r}"
        )
    if weight and not modality_dropout:
        raise ValueError(
            "`distillation` must be 0 without `modality_dropout`, as no example loses a sensor; "
            f'give one, such as "uniform". Received: distillation={weight!r}, '
            f"modality_dropout={modality_dropout!r}"
        )
    if weight and probabilities:
        raise ValueError(
            "`distillation` must be 0 where the network ends in probabilities: it divides logits "
            "by a temperature; build the network without softmax (classifier_activation=None in "
            f"keras.applications). Received: distillation={weight!r}"
        )
    return float(weight), float(temperature)


def distillation_loss(
    labels, logits, teacher, taught, temperature, ignore_class, sample_weight=None
):
    """Divergence of a branch from the teacher, over the pixels that are not void.

    `T**2 * sum(KL(softmax(teacher / T) || softmax(logits / T))) / number of valid pixels`: the sum
    over the valid pixels of the taught examples, the number of all of them in all replicas. That is
    what the branch's cross-entropy is divided by, so that a pixel's two terms stay in proportion
    however many examples are taught.

    Args:
        labels: Mask `(batch, height, width)`, or with an axis of 1 more.
        logits: Of the branch, `(batch, height, width, num_classes)`, float32 or better.
        teacher: Of the teacher, likewise, without a gradient.
        taught: Boolean `(batch,)`: which examples have lost a sensor.
        temperature: The temperature T.
        ignore_class: The void label.
        sample_weight: As in `ValidPixelCrossentropy`: it multiplies the pixels' values.

    Returns:
        Scalar.
    """
    labels, is_whole = whole_numbers(labels)
    valid = ops.logical_not(is_whole & (labels == ignore_class))
    if len(valid.shape) == len(logits.shape):
        valid = ops.squeeze(valid, axis=-1)
    targets, logs = (ops.log_softmax(x / temperature, axis=-1) for x in (teacher, logits))
    values = ops.sum(ops.exp(targets) * (targets - logs), axis=-1)
    if sample_weight is not None:
        values = values * align_weights(ops.cast(sample_weight, values.dtype), len(valid.shape))
    counts = valid & ops.reshape(taught, (-1, 1, 1))
    shares = ops.cast(valid, values.dtype)
    return temperature**2 * mean_over_replicas(ops.where(counts, values, 0.0), shares)


def _is_finite(x):
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
