"""Cost by the number of modalities, of telling which are present, and of a subset.

    python -m benchmarks.modalities

A multimodal network (private norms, and channel exchange unless `--no-exchange` is given) runs on a
fixed number of images in all, which are 16 examples of one modality, 8 of two, ... one of 16: time
and memory of one image are to stay the same. Then, with two modalities, the same batch without
`presence` and with one that says that all are there, in turn. Last, with four modalities, what
`select` makes of them beside the whole, in turn: a subset of M' is to cost M'/4. Ratios are medians
with quartiles, those of the processor's time less disturbed by other work on the machine. Each
number of modalities has a process of its own, for its memory, of which what it had before the first
step is taken off.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_asym import fusion, networks

IMAGES = 16
PARTS = ("numbers", "presence", "subsets")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modalities", type=int, nargs="+", default=[1, 2, 3, 4, 8, 16])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--exchange", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measure(options.one, options)))
        return
    before = os.getloadavg()[0]
    parts = {"numbers": _numbers, "presence": _presence, "subsets": _subsets}
    for name in options.parts:
        parts[name](options)
    print(f"{options.repetitions} pairs; load {before:.1f}-{os.getloadavg()[0]:.1f}")


def _numbers(options):
    print(
        "modalities, ms an image beside one modality's (inference, training), peak memory beside it"
    )
    first = None
    for count in options.modalities:
        command = [sys.executable, "-m", "benchmarks.modalities", f"--one={count}"]
        command += [f"--size={options.size}", f"--repetitions={options.repetitions}"]
        command += [f"--{'' if options.exchange else 'no-'}exchange"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        figures = json.loads(output.splitlines()[-1])
        first = first or figures
        ratios = [_quartiles(figures[kind]) for kind in ("inference", "training")]
        print(count, *ratios, f"{figures['memory'] / first['memory']:.3f}", flush=True)


def _quartiles(ratios):
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _model(count, size, exchange):
    network = networks.RefineNet("resnet18", 13, "light", (64,) * 4, input_shape=(size, size, 3))
    names = {f"m{index}": 3 for index in range(count)}
    strategy = fusion.ChannelExchanging() if exchange else fusion.PrivateNormalization()
    model = fusion.to_multimodal(network, names, strategy, check=False)
    rng = np.random.default_rng(0)
    examples = max(IMAGES // count, 1)
    images = {
        name: tf.constant(rng.normal(size=(examples, size, size, 3)), "float32") for name in names
    }
    return model, images


def _steps(model, images, presence=None):
    """Functions that run inference, and forward and backward pass of training."""

    @tf.function(autograph=False)
    def infer(images):
        return model(images, training=False, presence=presence)

    @tf.function(autograph=False)
    def train(images):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True, presence=presence)
            loss = tf.add_n([tf.reduce_mean(x) for x in outputs.values()])
        variables = [v.value for v in model.trainable_variables]
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        return [tf.convert_to_tensor(x) for x in gradients]  # of a selection some are sparse

    return {"inference": lambda: infer(images), "training": lambda: train(images)}


def _in_turn(functions, repetitions):
    """Seconds, and the processor's, of functions called in turn: `(functions, repetitions)`."""
    for function in functions:
        function()
    times = np.zeros((2, len(functions), repetitions))
    for repetition in range(repetitions):
        for index, function in enumerate(functions):
            start = np.array([time.perf_counter(), time.process_time()])
            keras.tree.map_structure(lambda x: x[:1].numpy() if len(x.shape) else x, function())
            end = np.array([time.perf_counter(), time.process_time()])
            times[:, index, repetition] = end - start
    return times


def _measure(count, options):
    """Ratios to one modality in the same process, and this number's peak memory alone."""
    model, images = _model(count, options.size, options.exchange)
    steps = _steps(model, images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for function in steps.values():
        function()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    memory /= count * len(images["m0"])
    single, one = _model(1, options.size, options.exchange)
    singles = _steps(single, one)
    figures = {"memory": memory}
    for kind in steps:
        (ours, theirs), _ = _in_turn([steps[kind], singles[kind]], options.repetitions)
        figures[kind] = list(ours / theirs * (IMAGES / (count * len(images["m0"]))))
    return figures


def _presence(options):
    model, images = _model(2, options.size, options.exchange)
    without = _steps(model, images)
    told = _steps(model, images, tf.ones((IMAGES // 2, 2), "bool"))
    for kind in without:
        wall, cpu = _in_turn([told[kind], without[kind]], 2 * options.repetitions)
        ratios = f"{_quartiles(wall[0] / wall[1])}, processor {_quartiles(cpu[0] / cpu[1])}"
        print(f"{kind}: all present told / not told {ratios}", flush=True)


def _subsets(options):
    model, images = _model(4, options.size, options.exchange)
    names = list(images)
    steps = [_steps(model, images)]
    for count in (3, 2, 1):
        part = fusion.select_modalities(model, names[:count])
        steps.append(_steps(part, {name: images[name] for name in names[:count]}))
    for kind in steps[0]:
        wall, cpu = _in_turn([each[kind] for each in steps], options.repetitions)
        for index, count in enumerate((3, 2, 1), 1):
            ratios = [4 / count * times[index] / times[0] for times in (wall, cpu)]
            print(
                f"{kind}: {count} of 4 modalities / {count}/4 of all {_quartiles(ratios[0])}, "
                f"processor {_quartiles(ratios[1])}",
                flush=True,
            )


if __name__ == "__main__":
    main()
