"""What fusion costs: a multimodal network beside the same network on as many plain images.

    python -m benchmarks.overhead

The multimodal network runs on B examples of M modalities, the single-modality one on M * B images,
in turn, in one process. Printed are the ratios of their times (median and quartiles of the pairs)
and the share of this machine's convolution rate that the network reaches: that of one large 3x3
convolution, measured in the same run.
"""

import argparse
import functools
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_asym import fusion, models, networks

FUSIONS = {
    "private": fusion.PrivateNormalization,
    "cen": fusion.ChannelExchanging,
    "asym": fusion.AsymmetricFusion,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet101")
    parser.add_argument("--modalities", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1, help="examples B")
    parser.add_argument("--inference-size", type=int, default=480)
    parser.add_argument("--training-size", type=int, default=256)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--fusions", nargs="+", default=["cen", "asym"], choices=list(FUSIONS))
    options = parser.parse_args()
    print(f"{options.backbone}, {options.modalities} modalities, batch {options.batch}")
    for name in options.fusions:
        for kind, size in (
            ("inference", options.inference_size),
            ("training", options.training_size),
        ):
            _report(kind, name, size, options)


def _report(kind, name, size, options):
    keras.backend.clear_session()
    count = options.modalities
    network = networks.RefineNet(options.backbone, input_shape=(size, size, 3))
    flops = convolution_flops(network) * count * options.batch * (3 if kind == "training" else 1)
    several = models.Segmenter(network, {f"m{i}": 3 for i in range(count)}, FUSIONS[name]())
    single = models.Segmenter(network, {"m0": 3})
    build = _training if kind == "training" else _inference
    first = build(several, options.batch, size, count)
    second = build(single, options.batch * count, size, 1)
    times = in_turn([first, second, convolution], options.repetitions)
    low, middle, high = np.percentile(times[:, 0] / times[:, 1], (25, 50, 75))
    rate = CONVOLUTION_FLOPS / np.median(times[:, 2])
    share = flops / np.median(times[:, 0]) / rate
    print(
        f"{kind:9} {size}x{size} {name:8} ratio {middle:.3f} (quartiles {low:.3f}-{high:.3f}, "
        f"{options.repetitions} pairs); {np.median(times[:, 0]):.2f} s beside "
        f"{np.median(times[:, 1]):.2f} s; {100 * share:.0f} % of the convolution rate, "
        f"{rate / 1e9:.0f} GFLOP/s",
        flush=True,
    )


def _images(batch, size, count):
    generator = np.random.default_rng(0)
    return {
        f"m{i}": tf.constant(generator.standard_normal((batch, size, size, 3)), "float32")
        for i in range(count)
    }


def _inference(model, batch, size, count):
    images = _images(batch, size, count)
    function = tf.function(lambda x: model.network(x, training=False))
    return lambda: tf.nest.map_structure(lambda x: x.numpy(), function(images))


def _training(model, batch, size, count):
    images = _images(batch, size, count)
    labels = tf.constant(np.random.default_rng(1).integers(0, 40, (batch, size, size)), "int32")
    model.compile(keras.optimizers.SGD(1e-4, momentum=0.9), jit_compile=False)
    return lambda: model.train_on_batch(images, labels)


def in_turn(functions, repetitions):
    """Seconds of each function, `(repetitions, functions)`; the order is turned each time."""
    for function in functions * 2:
        function()
    times = np.zeros((repetitions, len(functions)))
    for repetition in range(repetitions):
        for step in range(len(functions)):
            index = (repetition + step) % len(functions)
            start = time.perf_counter()
            functions[index]()
            times[repetition, index] = time.perf_counter() - start
    return times


# One 3x3 convolution from 256 to 256 channels at 120x120, two images, eight times.
CONVOLUTION_FLOPS = 8 * 2 * 9 * 256 * 256 * 120 * 120 * 2


@tf.function
def _convolve(x, kernel):
    for _ in range(8):
        x = tf.nn.conv2d(x, kernel, 1, "SAME")
    return x


@functools.cache
def _operands():
    generator = tf.random.Generator.from_seed(0)
    return generator.normal((2, 120, 120, 256)), generator.normal((3, 3, 256, 256)) / 48


def convolution():
    """What the machine's convolution rate is measured by."""
    return _convolve(*_operands())[0, 0, 0, 0].numpy()


def convolution_flops(network):
    """FLOP of the convolutions of a network with static input size, for one image."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:3]))
    return total


if __name__ == "__main__":
    main()
