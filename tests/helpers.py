"""What several tests need, beside what `keras_asym.testing` has."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_asym.networks import adapnet_encoder, mix_transformer, refinenet, resnet
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
EAGER = not ON_JAX
"""For `run_eagerly`: on TensorFlow a few steps take less time than their graph."""
LONG_ON_JAX = pytest.mark.slow if ON_JAX else lambda test: test
"""Decorator of a test that XLA takes long for: it is one of the slow ones on JAX."""


def randomize_norms(network, seed=0):
    """Random weights and statistics for the norms of a plain network; kernels stay."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            randomize(layer, seed + index)
    return network


@contextlib.contextmanager
def short_networks():
    """Inside, networks of the published names are of less than half as many layers.

    A ResNet-18 and a MiT-B0 have one block a stage, AdapNet++'s encoder has half of its own, and
    RefineNet pools once.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(resnet._BLOCKS, 18, ((1, 1, 1, 1), False))
        patch.setitem(mix_transformer._VARIANTS, "b0", (32, (1, 1, 1, 1)))
        patch.setattr(adapnet_encoder, "_UNITS", (1, 1, 3, 3))
        patch.setattr(refinenet, "_POOLING_ROUNDS", 1)
        yield


def run(model, inputs):
    """Inference; compiled where running op by op would compile very many of them."""
    if keras.backend.backend() == "jax" and len(model.layers) > 60:
        return call_compiled(model, inputs, training=False)
    return model(inputs, training=False)


def run_program(module):
    """What a program of the tests prints in its last line, as JSON; without GPUs."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=pathlib.Path(__file__).parents[1],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def distance(actual, expected):
    """Relative L2 distance `||actual - expected|| / ||expected||`."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)
