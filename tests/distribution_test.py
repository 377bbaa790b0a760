"""Several devices train as one does on the same global batches, void spread unevenly."""

import functools
import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]
STRATEGIES = {"mirrored": 2, "multi_worker": 2, "data_parallel": 4, "xla": 1}
"""How many replicas there are. XLA and four logical devices are the slow tests', and so is one
model of each strategy of TensorFlow."""


def start(*arguments, **variables):
    environment = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "", **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.distribution_run", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_addresses(count):
    """Addresses on this host, which are free once they are not held any more."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return addresses


def variables_of(strategy):
    """The environment of each process."""
    if strategy == "multi_worker":
        cluster = {"worker": free_addresses(2)}
        tasks = [{"type": "worker", "index": index} for index in range(2)]
        return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]
    if strategy == "data_parallel":
        flags = "--xla_force_host_platform_device_count=4"
        return [{"KERAS_BACKEND": "jax", "XLA_FLAGS": flags}]
    return [{}]


def run(strategy, *arguments):
    processes = [start(strategy, *arguments, **each) for each in variables_of(strategy)]
    try:
        outputs = [process.communicate(timeout=900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, errors
    return [json.loads(text.splitlines()[-1]) for text, _ in outputs]


run_once = functools.cache(run)


def results(strategy, model):
    """What each process found; one device and JAX train both models in one process."""
    alone = strategy in ("mirrored", "multi_worker")
    found = run_once(strategy, "ours", 2, model if alone else "segmenter,translator")
    assert found[0]["replicas"] == STRATEGIES[strategy]
    return found


def strategies(slow):
    return pytest.mark.parametrize(
        "strategy",
        [pytest.param(x, marks=pytest.mark.slow if x in slow else ()) for x in STRATEGIES],
    )


def largest_difference(one, many):
    assert one["weights"].keys() == many["weights"].keys()
    pairs = ((np.array(one["weights"][k]), np.array(many["weights"][k])) for k in one["weights"])
    return max(np.abs(a - b).max() for a, b in pairs)


def assert_equal(one, many):
    assert largest_difference(one, many) < 1e-6
    for phase in ("fit", "evaluate"):
        assert many[phase] == pytest.approx(one[phase], rel=1e-5)


@strategies(slow=["xla", "multi_worker"])
def test_a_segmenter_is_trained_alike(strategy):
    chief, *others = results(strategy, "segmenter")
    one, many = chief["one"]["segmenter"], chief["many"]["segmenter"]
    fit = one["fit"]
    assert {"loss", "rgb_loss", "depth_loss", "ensemble_loss", "ensemble_mean_iou"} <= set(fit)
    assert fit["loss"] > fit["rgb_loss"] + fit["depth_loss"] + fit["ensemble_loss"] + 0.1  # L1
    assert_equal(one, many)
    for other in others:
        assert largest_difference(one, other["many"]["segmenter"]) < 1e-6
    assert many["matrix"] == one["matrix"] and np.sum(one["matrix"]) > 100


@strategies(slow=["xla", "mirrored"])
def test_a_translator_is_trained_alike(strategy):
    chief, *others = results(strategy, "translator")
    one, many = chief["one"]["translator"], chief["many"]["translator"]
    assert {"loss", "discriminator_loss", "sparsity_loss", "ensemble_mae"} <= set(one["fit"])
    assert one["fit"]["sparsity_loss"] > 0.1
    assert_equal(one, many)
    for other in others:
        assert largest_difference(one, other["many"]["translator"]) < 1e-6


@strategies(slow=["xla"])
def test_compiled_by_xla_but_not_under_a_strategy_of_tensorflow(strategy):
    model = "translator" if strategy == "multi_worker" else "segmenter"
    for found in results(strategy, model)[0]["many"].values():
        assert found["jit_compile"] is (strategy in ("data_parallel", "xla"))


@pytest.mark.slow
def test_four_devices():
    (found,) = run("mirrored", "ours", 4)
    assert found["replicas"] == 4
    for name in ("segmenter", "translator"):
        assert_equal(found["one"][name], found["many"][name])


@pytest.mark.slow
def test_the_comparison_notices_a_loss_that_divides_on_each_replica():
    (found,) = run("mirrored", "keras")
    assert largest_difference(found["one"]["segmenter"], found["many"]["segmenter"]) > 1e-4
