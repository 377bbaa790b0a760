"""The command lines of docs/scale.md, with two processes on this host in place of two hosts."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from keras_asym.training import RunStates
from tests.distribution_test import free_addresses

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = pytest.mark.slow

TINY = {
    "segmentation": [
        "--config.network.backbone_width=8",
        "--config.network.decoder_widths=(8,8,8,8)",
        "--config.augmentation.size=(32,48)",
        "--config.augmentation.shorter_side=32",
        "--config.data.height=48",
        "--config.stages=({'epochs':3,'encoder_rate':1e-3,'decoder_rate':1e-3},)",
    ],
    "image_translation": [
        "--config.generator.filters=4",
        "--config.generator.depth=4",
        "--config.discriminator.filters=4",
        "--config.augmentation.resize=(36,36)",
        "--config.augmentation.size=(32,32)",
        "--config.data.height=64",
        "--config.epochs=3",
    ],
}


def start(task, folder, strategy, log, **variables):
    command = [
        *(sys.executable, "-m", f"recipes.{task}.train"),
        f"--config=recipes/{task}/configs/rendered_rooms.py",
        f"--workdir={folder / 'run'}",
        f"--strategy={strategy}",
        f"--config.data.data_dir={folder / 'data'}",
        *("--config.data.width=64", "--config.batch_size=4", "--config.eval_batch_size=2"),
        *("--config.checkpoint_steps=1", "--config.evaluate_every=1"),
        *(f"--config.data.num_examples.{key}={n}" for key, n in (("train", 8), ("test", 3))),
        "--config.data.num_examples.validation=3",
        *TINY[task],
    ]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **variables}
    with open(log, "w") as file:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT
        )


def variables_of(strategy):
    if strategy == "multi_worker":
        cluster = {"worker": free_addresses(2)}
        return [
            {
                "KERAS_BACKEND": "tensorflow",
                "TF_CONFIG": json.dumps(
                    {"cluster": cluster, "task": {"type": "worker", "index": index}}
                ),
            }
            for index in range(2)
        ]
    (address,) = free_addresses(1)
    return [
        {
            "KERAS_BACKEND": "jax",
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
        }
        for index in range(2)
    ]


def start_all(task, folder, strategy, attempt):
    return [
        start(task, folder, strategy, folder / f"{attempt}_{index}.txt", **variables)
        for index, variables in enumerate(variables_of(strategy))
    ]


def end(processes):
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize("strategy", ["multi_worker", "data_parallel"])
@pytest.mark.parametrize("task", ["segmentation", "image_translation"])
def test_a_host_dies_and_all_start_again(task, strategy, tmp_path):
    states = RunStates(tmp_path / "run" / "checkpoints")
    processes = start_all(task, tmp_path, strategy, "first")
    try:
        while len(list(states.folder.glob("*.json"))) < 2:
            assert all(process.poll() is None for process in processes)
            time.sleep(0.05)
        processes[1].send_signal(signal.SIGKILL)
        assert processes[0].wait(timeout=300) != 0
    finally:
        end(processes)
    text = (tmp_path / "first_0.txt").read_text()
    assert "2 replica(s) on 2 hosts. Global batch size 4, 2 on each replica" in text
    if strategy == "multi_worker":
        assert "A host is lost" in text and "Start all hosts again" in text
    _, position = states.load()
    assert 0 < position["step"] < 6

    processes = start_all(task, tmp_path, strategy, "second")
    try:
        assert [process.wait(timeout=900) for process in processes] == [0, 0]
    finally:
        end(processes)
    assert f"step {position['step']} of" in (tmp_path / "second_0.txt").read_text()
    assert states.load()[1]["step"] == 6
    assert json.loads((tmp_path / "run" / "results.json").read_text())["images"] == 3
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", *"012"]
