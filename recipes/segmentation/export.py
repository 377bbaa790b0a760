"""Exports a trained network as a SavedModel for TF Serving.

    python -m recipes.segmentation.export --workdir=RUN --output=FOLDER --subsets=rgb,depth

`FOLDER/1/` then takes raw images (uint8 RGB, uint16 depth, ...) of any size and any number, with
the run's normalization in the graph, or PNG and JPEG files (`serving_encoded`). Each of `--subsets`
gets a signature of its own: `serving_rgb` goes on when the depth sensor is gone. What the raw
values mean stands in `FOLDER/1/assets/preprocessing.json`.
"""

import keras
import tensorflow as tf
from absl import app, flags

from keras_asym.export import export_saved_model
from recipes import served
from recipes.data.values import normalize
from recipes.errors import readable_errors
from recipes.run_directory import checkpoint_path, read_config
from recipes.segmentation.data import class_names, modality_specs, open_dataset


def export_run(workdir, output, checkpoint="best", warmup=True, **options):
    """Exports a run's checkpoint; returns the folder of the new version.

    Args:
        workdir: Folder of the run.
        output: Folder of all versions of the model.
        checkpoint: `"best"` or `"last"`.
        warmup: Whether warmup requests are written, with images of the size of training.
        **options: Of `export_saved_model`.
    """
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    specs = modality_specs(config)
    builder = open_dataset(config)
    features = builder.info.features
    path = export_saved_model(
        model,
        output,
        {name: tf.as_dtype(features[name].np_dtype).name for name in specs},
        lambda name, image: normalize(image, specs[name]),
        {name: spec["channels"] for name, spec in specs.items()},
        class_names=class_names(builder),
        description=served.describe(specs),
        warmup_size=tuple(config.augmentation.size) if warmup else None,
        **options,
    )
    inputs = ", ".join(f"{name} {features[name].np_dtype.__name__}" for name in specs)
    outputs = ", ".join(options.get("outputs", ("classes", "confidence")))
    print(f"SavedModel: {path} (serving_default: {inputs} -> {outputs})")
    return path


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    run, options = _VALUES()
    with readable_errors():
        export_run(**run, **options, outputs=tuple(_OUTPUTS.value))


if __name__ == "__main__":
    _VALUES = served.define_flags()
    _OUTPUTS = flags.DEFINE_list(
        "outputs", ["classes", "confidence"], "Of classes, confidence and probabilities."
    )
    app.run(main)
