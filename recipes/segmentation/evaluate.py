"""Evaluates a trained segmentation network.

    python -m recipes.segmentation.evaluate --workdir=FOLDER

A single scale without mirroring unless `--scales=0.75,1,1.25` or `--flip` say otherwise; every
table says which.
"""

import keras
from absl import app, flags

from recipes.errors import readable_errors
from recipes.run_directory import checkpoint_path, read_config
from recipes.segmentation.data import (
    class_names,
    modality_specs,
    open_dataset,
    open_split,
    pipeline_config,
)
from recipes.segmentation.evaluation import Protocol, evaluate, text_table
from recipes.segmentation.input_pipeline import eval_dataset


def evaluate_run(workdir, split="test", protocol=None, checkpoint="best"):
    """Evaluates a run's checkpoint on a split; prints a table.

    Args:
        workdir: Folder of the run.
        split: Name of a split of the run's data set.
        protocol: `Protocol`; a single scale by default.
        checkpoint: `"best"` or `"last"`.

    Returns:
        `{output: {metric: value in 0..1}}`.
    """
    protocol = protocol or Protocol()
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    builder = open_dataset(config)
    source = open_split(builder, split)
    pipeline = pipeline_config(config, len(class_names(builder)))
    batches = eval_dataset(source, pipeline, config.eval_batch_size)
    results, _ = evaluate(model, batches, modality_specs(config), protocol)
    print(text_table(results, f"{protocol}, {split} split, {checkpoint} checkpoint", len(source)))
    return results


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    with readable_errors():
        protocol = Protocol(tuple(float(scale) for scale in _SCALES.value), _FLIP.value)
        evaluate_run(_WORKDIR.value, _SPLIT.value, protocol, _CHECKPOINT.value)


if __name__ == "__main__":
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    _SPLIT = flags.DEFINE_string("split", "test", "Split of the data set.")
    _SCALES = flags.DEFINE_list("scales", ["1"], "Scales whose probabilities are averaged.")
    _FLIP = flags.DEFINE_bool("flip", False, "Whether mirror images are averaged in.")
    _CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    app.run(main)
