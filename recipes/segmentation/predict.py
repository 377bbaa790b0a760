"""Segments a folder of images.

    python -m recipes.segmentation.predict --workdir=RUN --images=FOLDER --output=FOLDER

`--images` holds a folder for each modality of the run (`rgb/`, `depth/`, ...) with files of the
same names. For each name three PNG files are written: `NAME_classes.png` (class indices),
`NAME_colors.png` and `NAME_overlay.png`. A run whose sensor is absent takes `--modalities=rgb`.
"""

import pathlib

import keras
import numpy as np
from absl import app, flags
from PIL import Image

from recipes.errors import readable_errors
from recipes.run_directory import checkpoint_path, read_config
from recipes.segmentation.colors import colorize, displayable, overlay
from recipes.segmentation.data import modality_specs
from recipes.segmentation.evaluation import Protocol, make_predict
from recipes.segmentation.preprocessing import normalize
from tfds_builders.multimodal_folder.image_file import read_image_file


def predict_folder(workdir, images, output, modalities=None, checkpoint="best"):
    """Segments every example of a folder.

    Args:
        workdir: Folder of the run.
        images: Folder with one folder of images for each modality.
        output: Folder to write to.
        modalities: Names of the modalities to use; all of the run's by default.
        checkpoint: `"best"` or `"last"`.

    Returns:
        Number of examples.
    """
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    if modalities:
        model = model.select(modalities)
    specs = {name: modality_specs(config)[name] for name in model.modality_names}
    examples = _examples(pathlib.Path(images), list(specs))
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    predict = make_predict(model, specs, Protocol())
    for name, files in examples.items():
        raw = {modality: _read(path, specs[modality]) for modality, path in files.items()}
        _check_sizes(name, raw)
        inputs = {key: normalize(image, specs[key])[None] for key, image in raw.items()}
        classes = np.argmax(predict(inputs)["ensemble"][0], axis=-1).astype("uint8")
        background = displayable(raw[next(iter(raw))], specs[next(iter(raw))])
        for ending, picture in (
            ("classes", classes),
            ("colors", colorize(classes, model.num_classes)),
            ("overlay", overlay(background, classes, model.num_classes)),
        ):
            Image.fromarray(picture).save(output / f"{name}_{ending}.png")
    print(f"{len(examples)} example(s) segmented into {output}")
    return len(examples)


def _examples(folder, modalities):
    files = {}
    for modality in modalities:
        if not (folder / modality).is_dir():
            raise ValueError(
                f"`images` must hold a folder '{modality}'. Received: {folder}; for a subset of "
                "the sensors pass --modalities"
            )
        files[modality] = {
            path.stem: path for path in sorted((folder / modality).iterdir()) if path.is_file()
        }
    first = files[modalities[0]]
    if not first:
        raise ValueError(f"`images` must hold images. Received: {folder / modalities[0]}, empty")
    for modality in modalities[1:]:
        missing = sorted(set(first) ^ set(files[modality]))
        if missing:
            raise ValueError(
                "`images` must hold every example in every modality. Received: "
                f"{missing[0]} (and {len(missing) - 1} more) not in both '{modalities[0]}' and "
                f"'{modality}'"
            )
    return {name: {m: files[m][name] for m in modalities} for name in first}


def _read(path, spec):
    image = read_image_file(path)
    if image.shape[-1] != spec["channels"]:
        raise ValueError(
            f"{path} must have {spec['channels']} channel(s). Received: {image.shape[-1]}"
        )
    return image


def _check_sizes(name, raw):
    sizes = {key: image.shape[:2] for key, image in raw.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"Example '{name}': the modalities must have one height and width; crop or resize "
            f"them to one another first. Received: {sizes}"
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    with readable_errors():
        predict_folder(
            _WORKDIR.value, _IMAGES.value, _OUTPUT.value, _MODALITIES.value, _CHECKPOINT.value
        )


if __name__ == "__main__":
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    _IMAGES = flags.DEFINE_string("images", None, "Folder of images.", required=True)
    _OUTPUT = flags.DEFINE_string("output", None, "Folder to write to.", required=True)
    _MODALITIES = flags.DEFINE_list("modalities", [], "Modalities at hand; all by default.")
    _CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    app.run(main)
