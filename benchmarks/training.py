"""Training and inference beside the same network in plain PyTorch: time, and peak memory.

    pip install torch --index-url https://download.pytorch.org/whl/cpu
    python -m benchmarks.training --depth=101 --size=256 --batch=2
    python -m benchmarks.training --depth=50 --size=128 --batch=2 --memory

RefineNet with private norms and channel exchange over two modalities, SGD with momentum, in PyTorch
as `benchmarks/plain_torch.py` has it (the published program cannot be bundled), in both of
PyTorch's memory formats. All have the same weights and do the same work, in turn, in one process;
that their logits agree is checked first. Printed are the ratios of this package's times to
PyTorch's (median and quartiles of the pairs), of wall-clock time and of the process' CPU time,
which is the steadier one on a machine that others use, and the share of this machine's convolution
rate, that of one large 3x3 convolution, that the training step reaches. `--memory` measures the
peak of a few training steps instead, each in a process of its own, with the library itself; also of
this package with `checkpoint_gradients`.

TensorFlow's oneDNN kernels are on unless `TF_ENABLE_ONEDNN_OPTS` says otherwise, as in the recipes.
"""

import argparse
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np

RATE, MOMENTUM, L1, CLASSES = 1e-4, 0.9, 6e-4, 40
FORMATS = ("channels_first", "channels_last")
KINDS = ("keras_asym", "keras_asym checkpointed", *(f"torch {name}" for name in FORMATS))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=101, choices=[50, 101, 152])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=2, help="examples of two modalities")
    parser.add_argument("--frozen", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--memory", action="store_true", help="peak memory in place of time")
    parser.add_argument("--steps", type=int, default=3, help="of --memory")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--one", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    statistics = "frozen" if options.frozen else "batch"
    if options.one:
        print(_peak(options.one, options))
        return
    print(
        f"RefineNet-{options.depth}, {options.size}x{options.size}, batch {options.batch}, "
        f"{statistics} statistics, {len(os.sched_getaffinity(0))} cores"
    )
    if options.memory:
        _report_memory(options)
    else:
        _report_time(options)


def _report_memory(options):
    for kind in options.kinds:
        command = [sys.executable, "-m", "benchmarks.training", f"--one={kind}"]
        command += [f"--depth={options.depth}", f"--size={options.size}"]
        command += [f"--batch={options.batch}", f"--{'' if options.frozen else 'no-'}frozen"]
        command += [f"--steps={options.steps}"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"{kind:26} {output.splitlines()[-1]}", flush=True)


def _peak(kind, options):
    """Peak memory of a process that builds a model and trains it for a few steps."""
    images, labels = batch(options.size, options.batch)
    if kind.startswith("torch"):
        step, _ = torch_steps(plain(options), images, labels, kind.split()[1])
    else:
        step, _ = keras_steps(segmenter(options, "checkpointed" in kind), images, labels)
    before = _memory()
    for _ in range(options.steps):
        start = time.process_time()
        step()
        last = time.process_time() - start
    return f"{_memory():.2f} GB, {before:.2f} before the first step; {last:.1f} s of CPU a step"


def _memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _report_time(options):
    import torch

    from benchmarks import overhead, plain_torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    images, labels = batch(options.size, options.batch)
    model, theirs = segmenter(options), [plain(options) for _ in FORMATS]
    for each in theirs:
        plain_torch.copy_weights(model.network, each)
    ours = keras_steps(model, images, labels)
    others = [torch_steps(p, images, labels, f) for p, f in zip(theirs, FORMATS, strict=True)]
    print(f"logits differ by {difference(ours[1](), others[0][1]()):.1e} of their size", flush=True)
    size = overhead.networks.RefineNet(
        f"resnet{options.depth}", CLASSES, input_shape=(options.size, options.size, 3)
    )
    flops = overhead.convolution_flops(size) * 2 * options.batch
    for index, (kind, factor) in enumerate((("training", 3), ("inference", 1))):
        functions = [ours[index], *(each[index] for each in others), overhead.convolution]
        wall, cpu = in_turn(functions, options.repetitions)
        for name, times in (("wall clock", wall), ("CPU time", cpu)):
            rate = overhead.CONVOLUTION_FLOPS / np.median(times[:, -1])
            ratios = [
                f"{middle:.2f} of {FORMATS[i]} ({low:.2f}-{high:.2f})"
                for i in range(len(FORMATS))
                for low, middle, high in [
                    np.percentile(times[:, 0] / times[:, 1 + i], (25, 50, 75))
                ]
            ]
            share = factor * flops / np.median(times[:, 0]) / rate
            print(
                f"{kind:9} {name:10} {np.median(times[:, 0]):.2f} s: {', '.join(ratios)}; "
                f"{100 * share:.0f} % of {rate / 1e9:.0f} GFLOP/s",
                flush=True,
            )


def in_turn(functions, repetitions):
    """Wall-clock and CPU seconds `(repetitions, functions)`; the order is turned each time."""
    for function in functions:
        function()
    wall, cpu = np.zeros((2, repetitions, len(functions)))
    for repetition in range(repetitions):
        for step in range(len(functions)):
            index = (repetition + step) % len(functions)
            start = time.perf_counter(), time.process_time()
            functions[index]()
            wall[repetition, index] = time.perf_counter() - start[0]
            cpu[repetition, index] = time.process_time() - start[1]
    return wall, cpu


def difference(ours, theirs):
    """Largest difference of the logits of all outputs, by the largest of them."""
    pairs = zip(ours, theirs, strict=True)
    return max(np.abs(a - np.moveaxis(b, 1, -1)).max() / np.abs(a).max() for a, b in pairs)


def batch(size, examples):
    """Two images and a mask with void pixels, as NumPy arrays."""
    rng = np.random.default_rng(0)
    images = [rng.standard_normal((examples, size, size, 3), "float32") for _ in range(2)]
    labels = rng.integers(0, CLASSES, (examples, size, size)).astype("int32")
    labels[:, : size // 8] = 255
    return images, labels


def segmenter(options, checkpointed=False, **kwargs):
    from keras_asym import fusion, models, networks

    return models.Segmenter(
        networks.RefineNet(f"resnet{options.depth}", CLASSES, **kwargs),
        {"a": 3, "b": 3},
        fusion.ChannelExchanging(l1=L1),
        freeze_statistics=options.frozen,
        checkpoint_gradients=checkpointed,
    )


def plain(options, **kwargs):
    from benchmarks.plain_torch import PlainRefineNet

    return PlainRefineNet(options.depth, CLASSES, frozen=options.frozen, **kwargs)


def keras_steps(model, images, labels, rate=RATE):
    """Functions of one training step, and of inference, which gives the list of the logits."""
    import keras
    import tensorflow as tf

    images = {name: tf.constant(x) for name, x in zip(("a", "b"), images, strict=True)}
    labels = tf.constant(labels)
    model.compile(keras.optimizers.SGD(rate, MOMENTUM), jit_compile=False)
    infer = tf.function(lambda x: model.network(x, training=False))

    def inference():
        outputs = infer(images)
        return [outputs[key].numpy() for key in ("a", "b", "ensemble")]

    return lambda: model.train_on_batch(images, labels), inference


def torch_steps(model, images, labels, memory_format, rate=RATE):
    """As `keras_steps`."""
    import torch

    layout = getattr(
        torch, {"channels_first": "contiguous_format"}.get(memory_format, memory_format)
    )
    model = model.to(memory_format=layout)
    images = [torch.tensor(np.moveaxis(x, -1, 1)).contiguous(memory_format=layout) for x in images]
    labels = torch.tensor(labels.astype("int64"))
    optimizer = torch.optim.SGD(model.parameters(), rate, MOMENTUM)

    def train():
        model.train()
        optimizer.zero_grad()
        model.loss(images, labels, L1).backward()
        optimizer.step()

    def inference():
        model.eval()
        with torch.inference_mode():
            return [x.numpy() for x in model(images)]

    return train, inference


if __name__ == "__main__":
    main()
