"""Trains twice, once undisturbed and once killed again and again; run by loop_test.py.

    python -m tests.training.resume_run TASK FOLDER KILLS SEED [MODE]

MODE is "graphs", or "eagerly" for runs without them, which begin sooner and make slower steps.
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

from keras_asym.fusion import ChannelExchanging
from keras_asym.models import Segmenter, Translator
from keras_asym.networks import ENCODER_VARIABLES, PatchDiscriminator, UNetGenerator
from keras_asym.training import (
    CoupledSGD,
    Stage,
    Training,
    choose_distribution,
    optimizer_options,
    train,
)
from recipes.data.batches import batch_keys, evaluation_batches, training_batches
from recipes.data.sources import MemorySource
from recipes.image_translation.examples import TranslationExamples
from recipes.segmentation.examples import SegmentationExamples

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
    return data


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


def segmenter_training(stages, options, channels=None, modality_dropout=0.0, **settings):
    channels = channels or {"rgb": 3, "depth": 1}
    specs = {name: {"channels": count, "scale": 1 / 255} for name, count in channels.items()}
    augmentation = {"size": (SIZE, SIZE), "scale": (0.8, 1.25), "mirror": 0.5}
    images = source(**channels, label=1)
    if modality_dropout:
        images["label"][: EXAMPLES // 2, SIZE // 4 :] = 255  # void
    cut = {name: image[:3, :SIZE, :SIZE] for name, image in images.items()}
    return Training(
        build=lambda: Segmenter(
            tiny_network(),
            channels,
            ChannelExchanging(threshold=0.99, l1=0.1, sites="bn$"),
            modality_dropout=modality_dropout,
            distillation=0.5 if modality_dropout else 0.0,
        ),
        stages=made_stages(stages, compile_segmenter, options),
        **made_batches(images, cut, SegmentationExamples(specs, 5, augmentation)),
        monitor="val_ensemble_mean_iou",
        mode="max",
        **settings,
    )


def any_sensors_training(stages, options, **settings):
    """Of which examples lack some by chance, and of which half have little but void."""
    channels = {"rgb": 3, "depth": 1, "normal": 3}
    return segmenter_training(stages, options, channels, "uniform", **settings)


def made_stages(stages, compile, options):
    return tuple(
        Stage(epochs, lambda model, steps, rate=rate: compile(model, rate, steps, options))
        for epochs, rate in stages
    )


def made_batches(train, validation, examples):
    train, validation = MemorySource(train), MemorySource(validation)
    return {
        "steps": EXAMPLES // BATCH,
        "train_batches": lambda step, context: training_batches(
            train, examples, BATCH, 7, step, context
        ),
        "validation_batches": lambda context: evaluation_batches(validation, examples, 2, context),
        "keys": batch_keys(train, BATCH, 7),
        "data": {"name": "arrays", "fingerprint": train.fingerprint()},
    }


def compile_translator(model, rate, steps, options):
    model.compile(
        *(keras.optimizers.Adam(SCHEDULE(rate, steps), beta_1=0.5, **options) for _ in range(2))
    )


def translator_training(stages, options, **settings):
    specs = {name: {"channels": 3, "encoding": "uint8"} for name in ("shading", "normal", "rgb")}
    augmentation = {"resize": (SIZE + 2, SIZE + 2), "size": (SIZE, SIZE), "mirror": 0.5}
    images = source(shading=3, normal=3, rgb=3)
    first = {name: image[:3] for name, image in images.items()}
    examples = TranslationExamples(("shading", "normal"), "rgb", specs, augmentation)
    return Training(
        build=lambda: Translator(
            UNetGenerator(2, 3, 3, 0.5),  # its dropout is on in validation, too
            PatchDiscriminator(2, 6),
            ["shading", "normal"],
            ChannelExchanging(threshold=0.99, l1=0.1, sites=r"down\d+_norm$"),
        ),
        stages=made_stages(stages, compile_translator, options),
        **made_batches(images, first, examples),
        monitor="val_ensemble_mae",
        mode="min",
        **settings,
    )


TRAININGS = {
    "segmenter": segmenter_training,
    "translator": translator_training,
    "any_sensors": any_sensors_training,
}
SETTINGS = {
    "seed": 3,
    "evaluate_every": 2,
    "checkpoint_every": 2,
    "checkpoint_steps": 1,
}


def run(task, workdir, stages, strategy="none", weight_average=0.0, **changes):
    """One training, from the beginning or from where it was."""
    workdir.mkdir(parents=True, exist_ok=True)
    accumulation = changes.get("gradient_accumulation", 1)
    options = optimizer_options(accumulation, weight_average)
    training = TRAININGS[task](stages, options, **{**SETTINGS, **changes})
    train(training, workdir, choose_distribution(strategy))


def start(task, workdir, stages, mode):
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
        tf.config.run_functions_eagerly(mode == "eagerly")
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


def main(task, folder, kills, seed, mode="graphs"):
    folder, rng = pathlib.Path(folder), random.Random(int(seed))
    epochs = 2 + int(kills)
    stages = ((1, 0.02), (epochs - 1, 0.01))
    undisturbed = start(task, folder / "undisturbed", stages, mode)
    count = inside = 0
    while True:
        child = start(task, folder / "killed", stages, mode)
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
