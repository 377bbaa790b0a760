"""int8 files of an exported run, and the run's own images by which they are made."""

import importlib.util

import numpy as np

from keras_asym.export import export_litert, export_onnx
from keras_asym.files import replaced
from keras_asym.profile.quantized import FILE
from recipes.data.datasets import open_dataset
from recipes.data.values import normalize

NUMBER = 32
"""Training images by which ranges are found."""
CHECKED = 50
"""Images, at most, on which int8 is compared with float32."""


def quantize_run(task, run, version):
    """Writes int8 files of an exported run into its `assets.extra`, with what made them.

    `model_int8.tflite` is for images of the size of the run's, `model_int8.onnx`, where tf2onnx is
    installed, for any. `quantization_images.npz` has the raw images: `python -m keras_asym.profile
    --model=VERSION --quantize` reads it. The run's folder gets one with the network's own values,
    for `--model=RUN/best.keras`.

    Args:
        task: The run's task.
        run: `RunFolder`.
        version: Folder of the exported model, exported with `side_by_side=True`.
    """
    arrays = quantization_images(task, open_dataset(task.config.data))
    used = {name: arrays[name] for name in task.modalities}
    folder = version / "assets.extra"
    folder.mkdir(exist_ok=True)
    _save(folder / FILE, arrays)
    _save(run.path / FILE, network_values(arrays, task.modalities))
    size = next(iter(used.values())).shape[1:3]
    file = export_litert(
        version, folder / "model_int8.tflite", (1, *size), quantization_images=used
    )
    print(f"int8, LiteRT, images of {size[0]}x{size[1]}: {file}")
    if all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnxruntime")):
        file = export_onnx(version, folder / "model_int8.onnx", quantization_images=used)
        print(f"int8, ONNX Runtime and OpenVINO: {file}")
    else:
        print("No int8 for ONNX Runtime and OpenVINO: pip install 'keras_asym[onnx]'")
    print(f"Compare with float32: python -m keras_asym.profile --model={version} --quantize")


def quantization_images(task, dataset, number=NUMBER, checked=CHECKED):
    """Raw images of a run: some to quantize by, and some to compare answers on.

    Args:
        task: The run's task; `config.seed` says which training images are drawn.
        dataset: `DataSet` of the run.
        number: Training images at most.
        checked: Images of the split that is reported on, at most, from its beginning.

    Returns:
        Dictionary of arrays `(number, height, width, channels)` as `profile_quantized` takes it.
        Images are of one size, that of the first one drawn; others are passed over.

    Raises:
        ValueError: If the training split has no images.
    """
    names = list(task.modalities)
    source = dataset.source("train", tuple(names))
    if not len(source):
        raise ValueError(
            "`--quantize` needs training images by which the ranges of activations are found. "
            f"Received: {task.config.data.name} with an empty training split"
        )
    order = np.random.default_rng([task.config.seed, 8]).permutation(len(source))
    arrays = _first_of_one_size(source, order, names, number, None)
    masks = ["label"] if "label" in task.image_names else []
    source = dataset.source(dataset.evaluated_split, (*names, *masks))
    size = arrays[names[0]].shape[1:3]
    found = _first_of_one_size(source, range(len(source)), [*names, *masks], checked, size)
    return {**arrays, **{f"check/{name}": value for name, value in found.items()}}


def network_values(arrays, specs):
    """The same images as the network takes them, float32."""
    values = {}
    for key, array in arrays.items():
        spec = specs.get(key.removeprefix("check/"))
        values[key] = array if spec is None else normalize(array, spec).numpy()
    return values


def _first_of_one_size(source, order, names, number, size):
    found = {name: [] for name in names}
    for index in order:
        example = source[int(index)]
        first = example[names[0]].shape[:2]
        size = size or first
        if first == tuple(size) and all(example[name].shape[:2] == first for name in names):
            for name in names:
                found[name].append(np.asarray(example[name]))
        if len(found[names[0]]) == number:
            break
    return {name: np.stack(values) for name, values in found.items() if values}


def _save(path, arrays):
    with replaced(path) as file:
        np.savez_compressed(file, **arrays)
