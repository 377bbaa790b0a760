"""What int8 gains and what it costs: time and answers of each runtime, beside float32."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from keras_asym.export import export_litert, export_onnx, export_saved_model
from keras_asym.profile import report, runtimes

FILE = "quantization_images.npz"
"""What `--quantize` reads: arrays by modality name, and `check/...` and `check/label` beside."""
FORMATS = ("litert", "onnx", "openvino")
_CHECK = "check/"


def profile_quantized(
    path, images=None, formats=FORMATS, height=None, width=None, repetitions=20, threads=None
):
    """Quantizes a model, and prints for each runtime how much faster and how different it is.

    Args:
        path: `.keras` file of a `Segmenter` or a `Translator`, or the folder of one version of an
            exported model, which takes raw images.
        images: `.npz` file of what the model takes: arrays `(number, height, width, channels)` by
            modality name by which the ranges of activations are found, and as `check/rgb`,
            `check/depth`, ... those on which answers are compared, the same ones where there are
            none. With `check/label` `(number, height, width)` mean IoUs are printed, too. `None`
            for `quantization_images.npz` beside the file, or in the folder's `assets.extra`.
        formats: Any of `"litert"`, `"onnx"`, `"openvino"`.
        height, width: Size for which times are measured; the images' own by default.
        repetitions: Timed calls.
        threads: Of a runtime; `None` for as many as there are cores.

    Returns:
        `{format: {"seconds": {"f32": [...], "int8": [...]}, "equal": share, "mean_iou": {...}}}`.

    Raises:
        ImportError: If a format's package is not installed.
        ValueError: If a format is unknown, there is no such model, or the images do not fit it.
    """
    report.check_formats(formats, FORMATS)
    path = pathlib.Path(path)
    exported = tf.saved_model.contains_saved_model(str(path))
    arrays = _read(path, images, exported)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        version = path if exported else _export(path, folder)
        used = {name: value for name, value in arrays.items() if "/" not in name}
        checked = {name: arrays.get(f"{_CHECK}{name}", value) for name, value in used.items()}
        own = next(iter(used.values())).shape[1:3]
        size = (height or own[0], width or own[1])
        print(
            f"\n{'':16} {'float32, ms':22} {'int8, ms':22} {'equal':>9} {'mean IoU':>17}  MB",
            flush=True,
        )
        results = {}
        files = {}
        for name in formats:
            of = "litert" if name == "litert" else "onnx"  # which OpenVINO reads, too
            if of not in files:
                files[of] = _files(of, version, folder, used, own)
                if size != own:
                    resized = {key: _nearest(value, size) for key, value in used.items()}
                    files[f"{of}, timed"] = _files(of, version, folder, resized, size)
            results[name] = _compared(name, files[of], checked, arrays.get(f"{_CHECK}label"))
            timed = files.get(f"{of}, timed", files[of])
            shapes = {key: (*size, value.shape[-1]) for key, value in used.items()}
            dtypes = {key: value.dtype.name for key, value in used.items()}
            results[name]["seconds"] = {
                kind: report.measure(
                    name,
                    [{"batch": 1, "path": str(file)}],
                    shapes,
                    dtypes,
                    repetitions,
                    threads,
                )[0]["seconds"]
                for kind, file in timed.items()
            }
            _print(name, results[name], files[of])
    return results


def _read(path, images, exported):
    """The arrays of the file of images by name."""
    if images is None:
        images = (path / "assets.extra" if exported else path.parent) / FILE
    if not pathlib.Path(images).is_file():
        raise ValueError(
            "`--quantize` needs images by which the ranges of activations are found: "
            "--quantization_images=FILE.npz with an array (number, height, width, channels) for "
            "each modality, or export the run with --quantize, which keeps some of its training "
            f"images. Received: {images}, which is not there"
        )
    with np.load(images) as file:
        return {name: file[name] for name in file.files}


def _export(path, folder):
    model = report.load(path)
    outputs = ("classes",) if hasattr(model, "num_classes") else ()
    options = {"outputs": outputs} if outputs else {}
    dtypes = dict.fromkeys(model.modality_names, "float32")
    return export_saved_model(model, folder / "served", dtypes, side_by_side=True, **options)


def _files(name, version, folder, used, size):
    """float32 and int8 of a format, by kind."""
    files = {}
    for kind, images in (("f32", None), ("int8", used)):
        target = folder / f"{size[0]}x{size[1]}_{kind}.{'tflite' if name == 'litert' else 'onnx'}"
        export = export_litert if name == "litert" else export_onnx
        files[kind] = export(version, target, (1, *size), quantization_images=images)
    return files


def _nearest(images, size):
    """Images of another size, with no value that they had not."""
    rows, columns = (
        np.arange(new) * old // new for new, old in zip(size, images.shape[1:3], strict=True)
    )
    return images[:, rows][:, :, columns]


def _compared(name, files, images, label):
    """Share of equal answers, and the mean IoU of both kinds where there are masks."""
    answers = {kind: _answers(name, file, images) for kind, file in files.items()}
    found = {"equal": float((answers["f32"] == answers["int8"]).mean()), "mean_iou": {}}
    if label is not None:
        label = label.reshape(label.shape[:3])
        for kind, classes in answers.items():
            found["mean_iou"][kind] = mean_iou(label, classes)
    return found


def _answers(name, file, images):
    run = runtimes.RUNTIMES[name](str(file))
    found = []
    for index in range(len(next(iter(images.values())))):
        outputs = run({key: value[index : index + 1] for key, value in images.items()})
        key = next(key for key in ("classes", "image") if key in outputs)
        found.append(np.array(outputs[key]))
    return np.concatenate(found)


def mean_iou(label, classes, void=255):
    """Mean over the classes that there are, in the masks or among the answers there."""
    valid = label != void
    true, found = label[valid].astype("int64"), classes[valid].astype("int64")
    number = int(max(true.max(initial=0), found.max(initial=0))) + 1
    matrix = np.bincount(number * true + found, minlength=number**2).reshape(number, number)
    hits = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hits
    return float((hits[union > 0] / union[union > 0]).mean())


def _print(name, result, files):
    times = [report.quartiles(1e3 * np.array(result["seconds"][kind])) for kind in files]
    of = result["mean_iou"]
    iou = f"{100 * of['f32']:.2f} -> {100 * of['int8']:.2f}" if of else ""
    sizes = " -> ".join(f"{file.stat().st_size / 1e6:.1f}" for file in files.values())
    title = report.TITLES[name].partition(",")[0]
    print(
        f"{title:16} {times[0]:22} {times[1]:22} {100 * result['equal']:7.2f} % {iou:>17}  {sizes}",
        flush=True,
    )
