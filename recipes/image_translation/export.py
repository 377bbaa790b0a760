"""Exports a trained image translation network as a SavedModel for TF Serving.

    python -m recipes.image_translation.export --workdir=RUN --output=FOLDER

`FOLDER/1/` then takes raw images of the input domains, whose height and width must be multiples of
the generator's stride, or PNG and JPEG files (`serving_encoded`), and gives the generated image in
uint8. Dropout is off unless `--dropout_at_test`: a service should answer the same question alike.
What the raw values mean stands in `FOLDER/1/assets/preprocessing.json`.
"""

import keras
import tensorflow as tf
from absl import app, flags

from keras_asym.export import export_saved_model
from recipes import served
from recipes.data.values import normalize
from recipes.errors import readable_errors
from recipes.image_translation.data import domain_specs, open_dataset
from recipes.run_directory import checkpoint_path, read_config


def export_run(workdir, output, checkpoint="best", dropout_at_test=False, warmup=True, **options):
    """Exports a run's checkpoint; returns the folder of the new version.

    Args:
        workdir: Folder of the run.
        output: Folder of all versions of the model.
        checkpoint: `"best"` or `"last"`.
        dropout_at_test: Whether the exported model keeps its dropout.
        warmup: Whether warmup requests are written, with images of the size of training.
        **options: Of `export_saved_model`.
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
        description=served.describe({name: specs[name] for name in config.inputs}),
        warmup_size=tuple(config.augmentation.size) if warmup else None,
        **options,
    )
    inputs = ", ".join(f"{name} {features[name].np_dtype.__name__}" for name in config.inputs)
    print(f"SavedModel: {path} (serving_default: {inputs} -> image)")
    return path


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    run, options = _VALUES()
    with readable_errors():
        export_run(**run, **options, dropout_at_test=_DROPOUT.value)


if __name__ == "__main__":
    _VALUES = served.define_flags()
    _DROPOUT = flags.DEFINE_bool("dropout_at_test", False, "Whether dropout stays on.")
    app.run(main)
