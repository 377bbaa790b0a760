"""The figures of confidence in NumPy, float64, pixel by pixel; and what tests of them share."""

import keras
import numpy as np

from keras_asym import metrics
from tests.helpers import images
from tests.models.tiny import CLASSES, VOID

METRICS = (
    metrics.ExpectedCalibrationError,
    metrics.NegativeLogLikelihood,
    metrics.BrierScore,
    metrics.AreaUnderRiskCoverage,
)
JAX = keras.backend.backend() == "jax"


def example(seed=0, size=2, scale=2.0):
    """Labels with some void pixels, and logits that are right more often than not."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, (size, 6, 7)).astype("uint8")
    logits = scale * images(size, 6, 7, CLASSES, seed=seed)
    logits += 1.5 * (labels[..., None] == np.arange(CLASSES))
    labels[rng.uniform(size=labels.shape) < 0.2] = VOID
    return labels, logits.astype("float32")


def expected(labels, logits, bins=15):
    """`{class: figure}`."""
    valid = labels != VOID
    labels, logits = labels[valid].astype(int), logits[valid].astype("float64")
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    p = powers / powers.sum(-1, keepdims=True)
    confidence, hits = p.max(-1), p.argmax(-1) == labels
    of_label = p[np.arange(len(p)), labels]
    ece = 0.0
    for index in range(bins):
        here = (confidence > index / bins) & (confidence <= (index + 1) / bins)
        if here.any():
            ece += here.mean() * abs(hits[here].mean() - confidence[here].mean())
    wrong = ~hits[np.argsort(-confidence, kind="stable")]
    risks = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    truth = np.eye(p.shape[-1])[labels]
    figures = (ece, -np.log(of_label).mean(), ((p - truth) ** 2).sum(-1).mean(), risks.mean())
    return dict(zip(METRICS, figures, strict=True))


def update_compiled(metric, labels, logits):
    labels, logits = keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(logits)
    if JAX:
        import jax

        state = [variable.value for variable in metric.variables]
        state = jax.jit(metric.stateless_update_state)(state, labels, logits)
        for variable, value in zip(metric.variables, state, strict=True):
            variable.assign(value)
    else:
        import tensorflow as tf

        tf.function(metric.update_state, jit_compile=True)(labels, logits)
