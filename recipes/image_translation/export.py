"""Exports a trained image translation network as a SavedModel for TF Serving.

    python -m recipes.image_translation.export --workdir=RUN --output=FOLDER

`FOLDER/1/` then takes raw images of the input domains, whose height and width must be multiples of
the generator's stride, and gives the generated image in uint8. Dropout is off unless
`--dropout_at_test`: a service should answer the same question alike.
"""

import keras
import tensorflow as tf
from absl import app, flags

from keras_asym.export import export_saved_model
from recipes.data.values import normalize
from recipes.errors import readable_errors
from recipes.image_translation.data import domain_specs, open_dataset
from recipes.run_directory import checkpoint_path, read_config


def export_run(workdir, output, checkpoint="best", dropout_at_test=False):
    """Exports a run's checkpoint; returns the folder of the new version.

    Args:
        workdir: Folder of the run.
        output: Folder of all versions of the model.
        checkpoint: `"best"` or `"last"`.
        dropout_at_test: Whether the exported model keeps its dropout.
    """
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    model.dropout_at_test = dropout_at_test
    specs = domain_specs(config)
    features = open_dataset(config).info.features
    path = export_saved_model(
        model,
        output,
        {name: tf.as_dtype(features[name].np_dtype).name for name in config.inputs},
        lambda name, image: normalize(image, specs[name]),
        {name: specs[name]["channels"] for name in config.inputs},
    )
    inputs = ", ".join(f"{name} {features[name].np_dtype.__name__}" for name in config.inputs)
    print(f"SavedModel: {path} (serving_default: {inputs} -> image)")
    return path


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    with readable_errors():
        export_run(_WORKDIR.value, _OUTPUT.value, _CHECKPOINT.value, _DROPOUT.value)


if __name__ == "__main__":
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    _OUTPUT = flags.DEFINE_string("output", None, "Folder of the model's versions.", required=True)
    _CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    _DROPOUT = flags.DEFINE_bool("dropout_at_test", False, "Whether dropout stays on.")
    app.run(main)
