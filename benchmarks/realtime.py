"""How long does one frame take the real-time network, from the sensors' values to classes?

    python -m benchmarks.realtime

A Segmenter of RGB and depth with the network and the fusion of the config `nyudv2_realtime`, 40
classes, 480x640, batch 1: uint8 and uint16 in, uint8 classes of the ensemble out, with
normalization, resizing and arg max in between. It is exported, converted, and quantized to int8 by
rendered rooms; each runtime runs the same frame, in turn with the convolution of
`benchmarks.overhead`. Printed are the median and the quartiles in milliseconds, and what the median
would be on a machine whose convolution rate is 100 GFLOP/s.
"""

import argparse
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from benchmarks.overhead import CONVOLUTION_FLOPS, convolution, in_turn
from keras_asym import models
from keras_asym.export import export_litert, export_onnx, export_saved_model
from keras_asym.profile import runtimes
from keras_asym.profile.counts import count_macs
from recipes.data.values import normalize
from recipes.fusions import FUSIONS
from recipes.segmentation.configs import nyudv2_realtime
from recipes.segmentation.networks import build_network

CLASSES = 40
_RATE = 100e9  # FLOP/s


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--backbone", default=None, help="default: that of the config")
    parser.add_argument("--backbone-width", type=int, help="likewise; 0 is the published one")
    parser.add_argument("--exchange-sites", default=None, help="likewise")
    parser.add_argument("--formats", nargs="+", default=["litert", "onnx", "openvino"])
    parser.add_argument("--threads", type=int, help="of each runtime; default: all cores")
    parser.add_argument("--repetitions", type=int, default=9)
    options = parser.parse_args()
    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    config = _config(options)
    network, _ = build_network(config, CLASSES)
    specs = {name: config.modalities[name].to_dict() for name in config.inputs}
    specs["depth"]["scale"] = 1e-3  # which a run reads from its data set
    model = models.Segmenter(
        network,
        {name: spec["channels"] for name, spec in specs.items()},
        FUSIONS[config.fusion.name](config.fusion),
        evaluation_resize=config.evaluation_resize,
    )
    frames = _frames(options.height, options.width)
    with tempfile.TemporaryDirectory() as folder:
        runs = _converted(model, specs, frames, options, pathlib.Path(folder))
        frame = {name: value[:1] for name, value in frames.items()}
        functions = [lambda run=run: run(frame) for run in runs.values()]
        times = in_turn([*functions, convolution], options.repetitions)
    rate = CONVOLUTION_FLOPS / np.median(times[:, -1])
    macs = count_macs(model, options.height, options.width)
    print(
        f"{network.name}, {options.height}x{options.width}: {macs.total / 1e9:.2f} GMACs, "
        f"{model.count_params():,} parameters; {rate / 1e9:.0f} GFLOP/s, "
        f"{options.threads or len(os.sched_getaffinity(0))} thread(s), "
        f"{options.repetitions} turns"
    )
    for name, column in zip(runs, 1e3 * times.T, strict=False):
        low, middle, high = np.percentile(column, (25, 50, 75))
        print(
            f"{name:22} {middle:6.0f} ms ({low:.0f}-{high:.0f}); at 100 GFLOP/s "
            f"{middle * rate / _RATE:.0f} ms"
        )


def _config(options):
    config = nyudv2_realtime.get_config()
    if options.backbone:
        config.network.backbone = options.backbone
        config.network.backbone_width = None
    if options.backbone_width is not None:
        config.network.backbone_width = options.backbone_width or None
    if options.exchange_sites:
        config.fusion.exchange_sites = options.exchange_sites
    return config


def _frames(height, width, number=4):
    from tfds_builders.rendered_rooms.render import render

    rooms = [render(seed, width, height) for seed in range(number)]
    rgb, depth = (np.stack([np.asarray(room[name]) for room in rooms]) for name in ("rgb", "depth"))
    return {"rgb": rgb.astype("uint8"), "depth": depth.reshape(*depth.shape[:3], 1)}


def _converted(model, specs, frames, options, folder):
    """A function of a frame for each runtime and kind."""
    version = export_saved_model(
        model,
        folder,
        {name: frame.dtype.name for name, frame in frames.items()},
        lambda name, image: normalize(image, specs[name]),
        outputs=("classes",),
        side_by_side=True,
    )
    size = (1, options.height, options.width)
    runs = {}
    for name in options.formats:
        litert = name == "litert"
        for kind, images in (("float32", None), ("int8", frames)):
            file = folder / f"{kind}.{'tflite' if litert else 'onnx'}"
            if not file.exists():
                convert = export_litert if litert else export_onnx
                convert(version, file, size, quantization_images=images)
            runs[f"{name} {kind}"] = runtimes.RUNTIMES[name](str(file), options.threads)
    return runs


if __name__ == "__main__":
    main()
