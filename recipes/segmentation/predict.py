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

from recipes.data.values import normalize
from recipes.errors import readable_errors
from recipes.image_folders import list_examples, read_example
from recipes.run_directory import checkpoint_path, read_config
from recipes.segmentation.colors import colorize, displayable, overlay
from recipes.segmentation.data import modality_specs
from recipes.segmentation.evaluation import Protocol, make_predict


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
    examples = list_examples(images, list(specs))
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    predict = make_predict(model, specs, Protocol())
    for name, files in examples.items():
        raw = read_example(name, files, specs)
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
