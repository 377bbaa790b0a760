"""Exports a trained network as a SavedModel for TF Serving.

    python -m recipes.segmentation.export --workdir=RUN --output=FOLDER

`FOLDER/1/` then takes raw images (uint8 RGB, uint16 depth, ...) of any size and any number, with
the run's normalization in the graph.
"""

import keras
import tensorflow as tf
from absl import app, flags

from keras_asym.export import export_saved_model
from recipes.data.values import normalize
from recipes.errors import readable_errors
from recipes.run_directory import checkpoint_path, read_config
from recipes.segmentation.data import modality_specs, open_dataset


def export_run(workdir, output, checkpoint="best"):
    """Exports a run's checkpoint; returns the folder of the new version.

    Args:
        workdir: Folder of the run.
        output: Folder of all versions of the model.
        checkpoint: `"best"` or `"last"`.
    """
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    specs = modality_specs(config)
    features = open_dataset(config).info.features
    path = export_saved_model(
        model,
        output,
        {name: tf.as_dtype(features[name].np_dtype).name for name in specs},
        lambda name, image: normalize(image, specs[name]),
    )
    inputs = ", ".join(f"{name} {features[name].np_dtype.__name__}" for name in specs)
    print(f"SavedModel: {path} (serving_default: {inputs} -> classes, probabilities)")
    return path


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    with readable_errors():
        export_run(_WORKDIR.value, _OUTPUT.value, _CHECKPOINT.value)


if __name__ == "__main__":
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    _OUTPUT = flags.DEFINE_string("output", None, "Folder of the model's versions.", required=True)
    _CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    app.run(main)
