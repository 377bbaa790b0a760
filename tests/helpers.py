"""What several tests need, beside what `keras_asym.testing` has."""

import keras
import numpy as np
import pytest

from keras_asym.testing.running import (  # noqa: F401
    arrays,
    call_compiled,
    gradients,
    images,
    randomize,
    tensors,
    uneven_sum,
)

ON_JAX = keras.backend.backend() == "jax"
LONG_ON_JAX = pytest.mark.slow if ON_JAX else lambda test: test
"""Decorator of a test that XLA takes long for: it is one of the slow ones on JAX."""


def randomize_norms(network, seed=0):
    """Random weights and statistics for the norms of a plain network; kernels stay."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            randomize(layer, seed + index)
    return network


def run(model, inputs):
    """Inference; compiled where running op by op would compile very many of them."""
    if keras.backend.backend() == "jax" and len(model.layers) > 60:
        return call_compiled(model, inputs, training=False)
    return model(inputs, training=False)


def distance(actual, expected):
    """Relative L2 distance `||actual - expected|| / ||expected||`."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)
