"""Exports a model to each format, has each measured by a process of its own, prints the tables."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np

from keras_asym.export import export_litert, export_onnx, export_saved_model
from keras_asym.models import Segmenter, Translator
from keras_asym.optional import check_optional
from keras_asym.profile import runtimes
from keras_asym.profile.counts import count_macs, count_parameters

FORMATS = ("keras", "saved_model", "onnx", "litert")
TITLES = {
    "keras": "Keras, compiled",
    "saved_model": "SavedModel",
    "onnx": "ONNX Runtime",
    "litert": "LiteRT",
    "openvino": "OpenVINO, f32",
}
# What a format needs beyond TensorFlow; its extra has the same name.
_PACKAGES = {
    "onnx": ("tf2onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino",),
}


def profile(path, height, width, formats=FORMATS, batches=(1, 8), repetitions=20, threads=None):
    """Prints what a model costs.

    Args:
        path: `.keras` file of a `Segmenter` or a `Translator`.
        height, width: Size of the images.
        formats: Any of `"keras"`, `"saved_model"`, `"onnx"`, `"litert"`, `"openvino"`.
        batches: Sizes of the batches, rising.
        repetitions: Timed calls for each format and batch.
        threads: Of a runtime; `None` for as many as there are cores.

    Returns:
        `{format: [{"batch": ..., "seconds": [...], "peak_memory": bytes}]}`.

    Raises:
        ImportError: If a format's package is not installed.
        ValueError: If a format is unknown, or the file is no such model.
        RuntimeError: If a format's process ends with an error.
    """
    check_formats(formats)
    model = load(path)
    _print_counts(model, height, width)
    names = model.modality_names
    shapes = {name: (height, width, model.network.input[name].shape[-1]) for name in names}
    dtypes = dict.fromkeys(names, "float32")
    print(f"\n{'':16} {'batch':>5}  {'latency, ms':22} {'examples/s':22} {'peak memory':>11}")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        exported = None
        if set(formats) - {"keras"}:
            exported = export_saved_model(model, folder, dtypes)
        for name in formats:
            runs = [
                {"batch": batch, "path": str(_convert(name, path, exported, folder, batch, shapes))}
                for batch in batches
            ]
            results[name] = measure(name, runs, shapes, dtypes, repetitions, threads)
            for result in results[name]:
                _print_result(name, result)
    return results


def check_formats(formats, known=tuple(TITLES)):
    """Raises an error unless all formats are known and what they need is installed."""
    for name in formats:
        if name not in known:
            raise ValueError(
                f"`formats` must be among {', '.join(known)}. Received: formats={name!r}"
            )
        for module in _PACKAGES.get(name, ()):
            check_optional(
                module,
                name,
                f"the format '{name}' needs the package '{module}', which is not installed",
            )


def load(path):
    """The model of a `.keras` file, with dropout off."""
    if not pathlib.Path(path).is_file():
        raise ValueError(f"`model` must be a .keras file; there is none. Received: model={path}")
    model = keras.models.load_model(path, compile=False)
    if not isinstance(model, Segmenter | Translator):
        raise ValueError(
            "`model` must hold a Segmenter or a Translator. "
            f"Received: model={path} with a {type(model).__name__}"
        )
    if isinstance(model, Translator):
        model.dropout_at_test = False
    return model


def _print_counts(model, height, width):
    parameters, private = count_parameters(model)
    counts = count_macs(model, height, width)
    channels = {name: model.network.input[name].shape[-1] for name in model.modality_names}
    described = ", ".join(f"{name} ({count})" for name, count in channels.items())
    print(f"{type(model).__name__} '{model.network.name}' of {described}; images {height}x{width}")
    print(f"{'parameters':16} {parameters:,}; of these private to each modality {private:,}")
    alone = [
        f"{name} alone {_giga(count_macs(model.select([name]), height, width).total)}"
        for name in model.modality_names
    ]
    print(f"{'GMACs':16} {_giga(counts.total)} in all; {', '.join(alone)}")
    print(
        f"{'':16} convolutions {_giga(counts.convolution)}, transposed {_giga(counts.transposed)}, "
        f"dense {_giga(counts.dense)}; attention and resizing {_giga(counts.other)} more",
        flush=True,
    )


def _convert(name, path, exported, folder, batch, shapes):
    if name == "keras":
        return path
    if name == "onnx":
        target = folder / "model.onnx"
        return target if target.exists() else export_onnx(exported, target)
    if name == "litert":
        height, width = next(iter(shapes.values()))[:2]
        return export_litert(exported, folder / f"model_{batch}.tflite", (batch, height, width))
    return exported


def measure(name, runs, shapes, dtypes, repetitions, threads):
    """What `runtimes.measure` gives of a format, in a process of its own."""
    request = {
        "runtime": name,
        "runs": runs,
        "shapes": shapes,
        "dtypes": dtypes,
        "repetitions": repetitions,
        "threads": threads,
    }
    root = str(pathlib.Path(__file__).parents[2])  # where a checkout has this package
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    process = subprocess.run(
        [sys.executable, "-P", runtimes.__file__, json.dumps(request)],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise RuntimeError(f"{TITLES[name]} did not run the model:\n{process.stderr[-2000:]}")
    return json.loads(process.stdout.splitlines()[-1])


def _print_result(name, result):
    times = np.array(result["seconds"])
    rates = result["batch"] / times
    print(
        f"{TITLES[name]:16} {result['batch']:5}  {quartiles(1e3 * times):22} "
        f"{quartiles(rates):22} {result['peak_memory'] / 2**20:7.0f} MiB",
        flush=True,
    )


def quartiles(values):
    """The median with the quartiles, as text."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    digits = 1 if middle < 100 else 0
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _giga(number):
    return f"{number / 1e9:.3f}"
