"""Two replicas train as one device does on the same global batches, void spread unevenly."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]


def run(loss):
    done = subprocess.run(
        [sys.executable, "-m", "tests.distribution_run", loss],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    return results["one"], results["two"]


@pytest.fixture(scope="module")
def results():
    return run("ours")


@pytest.fixture(scope="module")
def translators():
    return run("gan")


def largest_difference(one, two):
    assert one["weights"].keys() == two["weights"].keys()
    pairs = ((np.array(one["weights"][k]), np.array(two["weights"][k])) for k in one["weights"])
    return max(np.abs(a - b).max() for a, b in pairs)


def test_weights(results):
    assert largest_difference(*results) < 1e-6


@pytest.mark.parametrize("phase", ["fit", "evaluate"])
def test_losses_and_figures(results, phase):
    one, two = (result[phase] for result in results)
    assert {"loss", "rgb_loss", "depth_loss", "ensemble_loss", "ensemble_mean_iou"} <= set(one)
    assert one["loss"] > one["rgb_loss"] + one["depth_loss"] + one["ensemble_loss"] + 0.1  # L1
    assert two == pytest.approx(one, rel=1e-5)


def test_confusion_matrix_is_exact(results):
    one, two = results
    assert two["matrix"] == one["matrix"] and np.sum(one["matrix"]) > 100


def test_never_compiled_by_xla_under_a_strategy(results):
    assert results[1]["jit_compile"] is False


def test_a_translator_is_trained_alike(translators):
    one, two = translators
    assert largest_difference(one, two) < 1e-6
    assert {"loss", "discriminator_loss", "sparsity_loss", "ensemble_mae"} <= set(one["fit"])
    assert one["fit"]["sparsity_loss"] > 0.1
    for phase in ("fit", "evaluate"):
        assert two[phase] == pytest.approx(one[phase], rel=1e-5)
    assert two["jit_compile"] is False


@pytest.mark.slow
def test_the_comparison_notices_a_loss_that_divides_on_each_replica():
    assert largest_difference(*run("keras")) > 1e-4
