"""Training with random presence, three modalities and uneven void is the same everywhere."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.helpers import LONG_ON_JAX, ON_JAX, arrays
from tests.models.random_presence_run import BATCH, data, segmenter, told
from tests.training.loop_test import trained_and_killed

ROOT = pathlib.Path(__file__).parents[2]


def run(program, **variables):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **variables}
    command = [sys.executable, "-m", "tests.models.random_presence_run", program]
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


def assert_equal(found, expected):
    assert len(found) == len(expected) > 4
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_two_replicas_draw_and_learn_what_one_device_does():
    """By `tf.distribute` or, on JAX, by arrays over two devices."""
    one, two = run("replicas", XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert_equal(two, one)


@pytest.mark.slow
def test_the_other_backend_makes_the_same_step():
    other = run("told", KERAS_BACKEND="tensorflow" if ON_JAX else "jax")
    assert_equal(other, told())


@LONG_ON_JAX
def test_accumulated_halves_make_the_mean_of_their_updates():
    """Each half has its own draw, statistics and number of valid pixels."""
    x, y = data(1)
    half = BATCH // 2
    halves = [
        ({name: image[rows] for name, image in x.items()}, y[rows])
        for rows in (slice(half), slice(half, BATCH))
    ]
    models = [segmenter() for _ in range(2)]
    for model, count in zip(models, (2, None), strict=True):
        optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=count)
        model.compile(optimizer, run_eagerly=not ON_JAX)
    accumulated, plain = models
    before = arrays(plain.trainable_variables)
    after = []
    for step, batch in enumerate(halves):
        accumulated.train_on_batch(*batch)
        plain.train_on_batch(*batch)
        after.append(arrays(plain.trainable_variables))
        for variable, value in zip(plain.trainable_variables, before, strict=True):
            variable.assign(value)
        if step == 0:
            assert_equal(arrays(accumulated.trainable_variables), before)
    expected = [np.mean(pair, 0) for pair in zip(*after, strict=True)]
    assert max(np.abs(a - b).max() for a, b in zip(expected, before, strict=True)) > 1e-2
    assert_equal(arrays(accumulated.trainable_variables), expected)
    assert_equal(arrays(accumulated.non_trainable_variables), arrays(plain.non_trainable_variables))


@pytest.mark.slow
def test_killed_and_resumed_is_never_stopped(tmp_path):
    """SIGKILL during training; the run's states and log are the same, bit by bit."""
    assert "killed 1 times" in trained_and_killed("any_sensors", 1, 0, tmp_path)
