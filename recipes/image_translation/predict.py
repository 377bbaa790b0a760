"""Translates a folder of images.

    python -m recipes.image_translation.predict --workdir=RUN --images=FOLDER --output=FOLDER

`--images` holds a folder for each input domain of the run (`reshading/`, ...) with files of the
same names; images are resized to the run's size. For each name a PNG file `NAME.png` with the
ensemble's image is written, with `--branches` also `NAME_DOMAIN.png` for each branch.
"""

import pathlib

import keras
import tensorflow as tf
from absl import app, flags
from PIL import Image

from recipes.data import tensorflow_ops
from recipes.errors import readable_errors
from recipes.image_folders import list_examples, read_example
from recipes.image_translation.data import domain_specs, pipeline_config
from recipes.image_translation.evaluation import make_predict
from recipes.image_translation.examples import network_inputs
from recipes.image_translation.run_report import picture
from recipes.run_directory import checkpoint_path, read_config


def predict_folder(workdir, images, output, branches=False, checkpoint="best", modalities=None):
    """Translates every example of a folder.

    Args:
        workdir: Folder of the run.
        images: Folder with one folder of images for each input domain.
        output: Folder to write to.
        branches: Whether the image of each branch is written, too.
        checkpoint: `"best"` or `"last"`.
        modalities: Names of the domains to use; all of the run's inputs by default.

    Returns:
        Number of examples.
    """
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    if modalities:
        model = model.select(modalities)
    specs = {name: domain_specs(config)[name] for name in model.modality_names}
    pipeline = {**pipeline_config(config), "inputs": model.modality_names}
    examples = list_examples(images, list(specs))
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    predict = make_predict(model)
    for name, files in examples.items():
        raw = read_example(name, files, specs)
        raw = {key: tf.constant(image) for key, image in raw.items()}
        inputs = network_inputs(raw, name, pipeline, tensorflow_ops)
        outputs = predict({key: image[tf.newaxis] for key, image in inputs.items()})
        for key in model.output_keys if branches else ("ensemble",):
            ending = "" if key == "ensemble" else f"_{key}"
            Image.fromarray(picture(outputs[key][0])).save(output / f"{name}{ending}.png")
    print(f"{len(examples)} example(s) translated into {output}")
    return len(examples)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    with readable_errors():
        predict_folder(
            _WORKDIR.value,
            _IMAGES.value,
            _OUTPUT.value,
            _BRANCHES.value,
            _CHECKPOINT.value,
            _MODALITIES.value,
        )


if __name__ == "__main__":
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    _IMAGES = flags.DEFINE_string("images", None, "Folder of images.", required=True)
    _OUTPUT = flags.DEFINE_string("output", None, "Folder to write to.", required=True)
    _BRANCHES = flags.DEFINE_bool("branches", False, "Whether each branch is written, too.")
    _CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    _MODALITIES = flags.DEFINE_list("modalities", [], "Input domains at hand; all by default.")
    app.run(main)
