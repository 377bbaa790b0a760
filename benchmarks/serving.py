"""Is the exported model quicker than the compiled Keras model?

    python -m benchmarks.serving

Batch 1, two modalities, float32 images, in turn, in one process:

- exported: `serving_default` of the SavedModel: classes and confidence of the ensemble, or its
  8-bit image.
- Keras: the model in a `tf.function`, as it is called: all branches and the ensemble.
- Keras, pruned: a `tf.function` of the model that gives what the exported one does.
- Keras, XLA (with `--xla`): the model compiled by XLA, which is what `predict` runs.

Printed are the ratios of their times (median and quartiles of the turns; above 1 the exported model
is quicker), the same of the processor's time, which other work on the machine disturbs less, the
share of this machine's convolution rate that the exported model reaches (of the network's own
multiply-accumulates; the rate is that of `benchmarks.overhead`, in the same run), and the load
before and after.

    python -m benchmarks.serving --any_sensors

measures in the same way what it costs to be ready for any sensor's failure: `serving_any` with a
`present` that says that all are there beside `serving_default`, and both with `uncertainty`.
"""

import argparse
import gc
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.overhead import CONVOLUTION_FLOPS, convolution, in_turn
from benchmarks.parity import give_up_channels
from keras_asym import fusion, models, networks
from keras_asym.export import export_saved_model
from keras_asym.export.signatures import stride_of
from keras_asym.profile.counts import count_macs

FUSIONS = {"cen": fusion.ChannelExchanging, "asym": fusion.AsymmetricFusion}
TRANSLATION_FUSIONS = {
    "cen": fusion.ChannelExchanging(1e-2, sites=r"down\d+_norm$"),
    "asym": fusion.AsymmetricFusion(r"down[2468]_conv$", shift_source="output"),
}
WIDTHS = {"light": (256, 256, 256, 256), "full": (512, 256, 256, 256)}
MODALITIES = {"rgb": 3, "depth": 1}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--networks",
        nargs="+",
        default=["resnet18-light", "resnet50-light", "resnet101-full", "unet"],
        help="backbone-decoder of a RefineNet, or unet for pix2pix's; default: %(default)s",
    )
    parser.add_argument("--fusions", nargs="+", default=["cen", "asym"], choices=list(FUSIONS))
    parser.add_argument("--height", type=int, default=240, help="raised to what a U-Net takes")
    parser.add_argument("--width", type=int, default=320, help="likewise")
    parser.add_argument("--repetitions", type=int, default=15, help="pairs of times")
    parser.add_argument("--xla", action="store_true", help="the Keras model under XLA, too")
    parser.add_argument("--any_sensors", action="store_true", help="see above; not of a unet")
    options = parser.parse_args()
    if options.any_sensors and "unet" in options.networks:
        parser.error("--any_sensors is for the networks that segment: --networks resnet18-light")
    for network in options.networks:
        for name in options.fusions:
            keras.backend.clear_session()
            gc.collect()
            (_report_any_sensors if options.any_sensors else _report)(network, name, options)


def _report(network, name, options):
    model = _translator(name) if network == "unet" else _segmenter(network, name)
    size, images = _images(model, options)
    contestants = {
        "exported": _exported(model, images),
        "Keras": _compiled(lambda x: model(x, training=False), images),
        "Keras, pruned": _compiled(lambda x: _answer(model, x), images),
    }
    if options.xla:
        contestants["Keras, XLA"] = _compiled(
            lambda x: model(x, training=False), images, jit_compile=True
        )
    before = os.getloadavg()[0]
    wall, cpu = _seconds([*contestants.values(), convolution], options.repetitions)
    flops = 2 * count_macs(model, *size[1:]).total
    shares = [
        100 * (flops / np.median(times[:, 0])) / (CONVOLUTION_FLOPS / np.median(times[:, -1]))
        for times in (wall, cpu)
    ]
    print(
        f"{network} {name} {size[1]}x{size[2]}: {flops / 2e9:.1f} GMACs, {model.count_params():,}"
    )
    for column, key in enumerate(list(contestants)[1:], 1):
        print(
            f"  {key} / exported: time {_quartiles(wall[:, column] / wall[:, 0])}, "
            f"processor {_quartiles(cpu[:, column] / cpu[:, 0])}; "
            f"{1e3 * np.median(wall[:, column]):.0f} ms / {1e3 * np.median(wall[:, 0]):.0f} ms"
        )
    print(
        f"  exported: {shares[0]:.0f} % of the convolution rate by time, {shares[1]:.0f} % by the "
        f"processor's; {CONVOLUTION_FLOPS / np.median(wall[:, -1]) / 1e9:.0f} GFLOP/s; "
        f"{options.repetitions} pairs; load {before:.1f}-{os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _report_any_sensors(network, name, options):
    model = _segmenter(network, name)
    size, images = _images(model, options)
    outputs = ("classes", "confidence")
    present = {"present": tf.ones((1, len(MODALITIES)), "bool")}
    made = []
    for wanted in (outputs, (*outputs, "uncertainty")):
        signatures = _signatures(model, images, outputs=wanted, any_subset=True)
        made.append(_asked(signatures, "serving_default", images))
        made.append(_asked(signatures, "serving_any", images | present))
    before = os.getloadavg()[0]
    wall, cpu = _seconds(made, options.repetitions)
    print(f"{network} {name} {size[1]}x{size[2]}: {1e3 * np.median(wall[:, 0]):.0f} ms")
    for words, one, other in (
        ("serving_any / serving_default", 1, 0),
        ("with uncertainty / without, serving_default", 2, 0),
        ("with uncertainty / without, serving_any", 3, 1),
    ):
        print(
            f"  {words}: time {_quartiles(wall[:, one] / wall[:, other])}, "
            f"processor {_quartiles(cpu[:, one] / cpu[:, other])}"
        )
    load = f"load {before:.1f}-{os.getloadavg()[0]:.1f}"
    print(f"  {options.repetitions} pairs; {load}", flush=True)


def _images(model, options):
    """Batch, height and width, and random images by modality name."""
    generator = np.random.default_rng(0)
    stride = stride_of(model)
    size = (1, *(-(-length // stride) * stride for length in (options.height, options.width)))
    return size, {
        key: tf.constant(generator.standard_normal((*size, channels)), "float32")
        for key, channels in MODALITIES.items()
    }


def _seconds(functions, repetitions):
    """Time and processor's time of functions called in turn: each `(repetitions, functions)`."""
    lists = [[] for _ in functions]
    wall = in_turn([_timed(*pair) for pair in zip(functions, lists, strict=True)], repetitions)
    return wall, np.transpose([seconds[-repetitions:] for seconds in lists])


def _segmenter(network, name):
    backbone, decoder = network.split("-")
    plain = networks.RefineNet(backbone, 40, decoder, WIDTHS[decoder])
    return give_up_channels(models.Segmenter(plain, MODALITIES, FUSIONS[name]()))


def _translator(name):
    generator = networks.UNetGenerator(dropout_at_test=False)
    strategy = TRANSLATION_FUSIONS[name]
    discriminator = networks.PatchDiscriminator()
    return give_up_channels(models.Translator(generator, discriminator, MODALITIES, strategy))


def _exported(model, images):
    return _asked(_signatures(model, images), "serving_default", images)


def _signatures(model, images, **options):
    with tempfile.TemporaryDirectory() as folder:
        version = export_saved_model(model, folder, dict.fromkeys(images, "float32"), **options)
        return tf.saved_model.load(version)


def _asked(loaded, signature, inputs):
    function = loaded.signatures[signature]
    return lambda loaded=loaded: _fetch(function(**inputs))


def _compiled(function, images, **options):
    function = tf.function(function, autograph=False, **options)
    return lambda: _fetch(function(images))


def _answer(model, images):
    answer = model(images, training=False)["ensemble"]
    if isinstance(model, models.Translator):
        return {"image": tf.cast(tf.clip_by_value(tf.round(127.5 * (answer + 1)), 0, 255), "uint8")}
    probabilities = tf.nn.softmax(answer)
    return {
        "classes": tf.cast(tf.argmax(probabilities, axis=-1, output_type="int32"), "uint8"),
        "confidence": tf.reduce_max(probabilities, axis=-1),
    }


def _fetch(outputs):
    return {key: value.numpy() for key, value in outputs.items()}


def _timed(function, seconds):
    def run():
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)

    return run


def _quartiles(ratios):
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return f"{middle:.3f} ({low:.3f}-{high:.3f})"


if __name__ == "__main__":
    main()
