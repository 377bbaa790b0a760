"""Trains twice, once undisturbed and once killed again and again; run by training_loop_test.py.

    python -m tests.recipes.resume_run TASK FOLDER KILLS SEED

Leaves `FOLDER/undisturbed` and `FOLDER/killed` behind. A process with threads must not be forked:
this one imports, forks, and uses nothing of TensorFlow itself.
"""

import os
import pathlib
import random
import signal
import sys
import time
import traceback

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from ml_collections import ConfigDict

from keras_asym.fusion import ChannelExchanging
from keras_asym.models import Segmenter, Translator
from keras_asym.networks import ENCODER_VARIABLES, PatchDiscriminator, UNetGenerator
from keras_asym.training import CoupledSGD, choose_distribution
from recipes.image_translation import input_pipeline as translation_pipeline
from recipes.segmentation import input_pipeline as segmentation_pipeline
from recipes.training_loop import Stage, Task, batch_keys, optimizer_options, train

EXAMPLES, BATCH, SIZE = 10, 2, 24
SCHEDULE = keras.optimizers.schedules.CosineDecay


def source(**channels):
    rng = np.random.default_rng(0)
    data = {
        name: rng.integers(0, 255, (EXAMPLES, SIZE + 4, SIZE + 8, count)).astype("uint8")
        for name, count in channels.items()
    }
    if "label" in data:
        data["label"] = data["label"] % 5
    return tf.data.Dataset.from_tensor_slices(data)


def tiny_network():
    x = inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(4, 3, 2, padding="same", name="conv1_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name="conv1_bn")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = layers.Conv2D(5, 1, name="classifier")(x)
    return keras.Model(inputs, x)


def compile_segmenter(model, rate, steps, options):
    encoder, decoder = (
        CoupledSGD(SCHEDULE(r, steps), 0.9, 1e-4, **options) for r in (rate, 2 * rate)
    )
    optimizer_map = keras.optimizers.OptimizerMap(decoder, {ENCODER_VARIABLES: encoder})
    model.compile(keras.optimizers.MultiOptimizer(optimizer_map))


def segmenter_task(stages, options):
    specs = {"rgb": {"channels": 3, "scale": 1 / 255}, "depth": {"channels": 1, "scale": 1 / 255}}
    augmentation = {"size": (SIZE, SIZE), "scale": (0.8, 1.25), "mirror": 0.5}
    pipeline = {"modalities": specs, "num_classes": 5, "augmentation": augmentation}
    examples = source(rgb=3, depth=1, label=1)
    return Task(
        build=lambda: Segmenter(
            tiny_network(),
            {"rgb": 3, "depth": 1},
            ChannelExchanging(threshold=0.99, l1=0.1, sites="bn$"),
        ),
        stages=tuple(
            Stage(
                epochs,
                lambda model, steps, rate=rate: compile_segmenter(model, rate, steps, options),
            )
            for epochs, rate in stages
        ),
        steps=EXAMPLES // BATCH,
        train_batches=lambda step, context: segmentation_pipeline.train_dataset(
            examples, pipeline, BATCH, 7, step, context
        ),
        validation_batches=lambda context: segmentation_pipeline.eval_dataset(
            examples.map(cut).take(3), pipeline, 2, context
        ),
        keys=batch_keys(examples, BATCH, 7, 1024),
        monitor="val_ensemble_mean_iou",
        mode="max",
    )


def cut(example):
    return {name: image[:SIZE, :SIZE] for name, image in example.items()}


def compile_translator(model, rate, steps, options):
    model.compile(
        *(keras.optimizers.Adam(SCHEDULE(rate, steps), beta_1=0.5, **options) for _ in range(2))
    )


def translator_task(stages, options):
    specs = {name: {"channels": 3, "encoding": "uint8"} for name in ("shading", "normal", "rgb")}
    pipeline = {
        "inputs": ("shading", "normal"),
        "target": "rgb",
        "domains": specs,
        "augmentation": {"resize": (SIZE + 2, SIZE + 2), "size": (SIZE, SIZE), "mirror": 0.5},
    }
    examples = source(shading=3, normal=3, rgb=3)
    fusion = ChannelExchanging(threshold=0.99, l1=0.1, sites=r"down\d+_norm$")
    return Task(
        build=lambda: Translator(
            UNetGenerator(2, 3, 3, 0.5),  # its dropout is on in validation, too
            PatchDiscriminator(2, 6),
            ["shading", "normal"],
            fusion,
        ),
        stages=tuple(
            Stage(
                epochs,
                lambda model, steps, rate=rate: compile_translator(model, rate, steps, options),
            )
            for epochs, rate in stages
        ),
        steps=EXAMPLES // BATCH,
        train_batches=lambda step, context: translation_pipeline.train_dataset(
            examples, pipeline, BATCH, 7, step, context
        ),
        validation_batches=lambda context: translation_pipeline.eval_dataset(
            examples.take(3), pipeline, 2, context
        ),
        keys=batch_keys(examples, BATCH, 7, 1024),
        monitor="val_ensemble_mae",
        mode="min",
    )


TASKS = {"segmenter": segmenter_task, "translator": translator_task}
CONFIG = ConfigDict(
    {
        "seed": 3,
        "evaluate_every": 2,
        "checkpoint_every": 2,
        "checkpoint_steps": 1,
        "precision": "float32",
        "gradient_accumulation": 1,
        "weight_average": 0.0,
    }
)


def run(task, workdir, stages, strategy="none", **changes):
    """One training, from the beginning or from where it was."""
    workdir.mkdir(parents=True, exist_ok=True)
    config = ConfigDict({**CONFIG, **changes})
    task = TASKS[task](stages, optimizer_options(config))
    train(task, config, workdir, choose_distribution(strategy))


def start(task, workdir, stages):
    """Trains in a process of its own, of which the id is returned."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        log = os.open(workdir / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        run(task, workdir, stages)
        sys.stdout.flush()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def kill(child, workdir, during_write, rng):
    """Kills a process at a random moment after its next state, or while it writes one."""
    folder = workdir / "checkpoints"
    seen = newest(folder)
    while newest(folder) == seen and not ended(child):
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.4))
    while during_write and not ended(child) and not list(folder.glob(".*.writing")):
        pass
    if ended(child):
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def newest(folder):
    return max((path.name for path in folder.glob("*.json")), default="")


def ended(child):
    """Whether a process is over, which is then still to be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def main(task, folder, kills, seed):
    folder, rng = pathlib.Path(folder), random.Random(int(seed))
    epochs = 2 + int(kills)
    stages = ((1, 0.02), (epochs - 1, 0.01))
    undisturbed = start(task, folder / "undisturbed", stages)
    count = inside = 0
    while True:
        child = start(task, folder / "killed", stages)
        if count == int(kills):
            break
        inside += count % 2
        if not kill(child, folder / "killed", count % 2, rng):
            break
        count += 1
    for process in (child, undisturbed):
        _, status = os.waitpid(process, 0)
        if status:
            sys.exit(f"a run ended with the status {status}; see output.txt")
    print(f"killed {count} times, {inside} of them during a write")


if __name__ == "__main__":
    main(*sys.argv[1:])
