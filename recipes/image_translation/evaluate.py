"""Evaluates a trained image translation network.

    python -m recipes.image_translation.evaluate --workdir=FOLDER

With `--inception=FILE`, the published weights of the Inception network
(`pt_inception-2015-12-05-6726825d.pth`), FID and KID are measured as well.
"""

import keras
from absl import app, flags

from recipes.errors import readable_errors
from recipes.image_translation.data import open_dataset, open_split, pipeline_config
from recipes.image_translation.evaluation import Inception, describe, evaluate, text_table
from recipes.image_translation.input_pipeline import eval_dataset
from recipes.run_directory import checkpoint_path, read_config


def evaluate_run(workdir, split="test", checkpoint="best", inception=None, dropout_at_test=None):
    """Evaluates a run's checkpoint on a split; prints a table.

    Args:
        workdir: Folder of the run.
        split: Name of a split of the run's data set.
        checkpoint: `"best"` or `"last"`.
        inception: `Inception`, for FID and KID.
        dropout_at_test: Whether dropout is on; as in the run by default.

    Returns:
        `{output: {metric: value}}`.
    """
    config = read_config(workdir)
    model = keras.models.load_model(checkpoint_path(workdir, checkpoint), compile=False)
    if dropout_at_test is not None:
        model.dropout_at_test = dropout_at_test
    source = open_split(open_dataset(config), split)
    if inception:
        inception.check(len(source))
    batches = eval_dataset(source, pipeline_config(config), config.eval_batch_size)
    results = evaluate(model, batches, inception)
    protocol = f"{describe(split, model.dropout_at_test, inception)}; {checkpoint} checkpoint"
    print(text_table(results, protocol, len(source)))
    return results


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    with readable_errors():
        inception = Inception(_INCEPTION.value, _PROTOCOL.value, _SUBSET.value)
        evaluate_run(_WORKDIR.value, _SPLIT.value, _CHECKPOINT.value, inception, _DROPOUT.value)


if __name__ == "__main__":
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    _SPLIT = flags.DEFINE_string("split", "test", "Split of the data set.")
    _CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    _INCEPTION = flags.DEFINE_string("inception", "", "File of the Inception weights.")
    _PROTOCOL = flags.DEFINE_enum("fid", "clean", ["clean", "published"], "Which FID and KID.")
    _SUBSET = flags.DEFINE_integer("kid_subset_size", 50, "Images in a subset of KID's.")
    _DROPOUT = flags.DEFINE_bool("dropout_at_test", None, "Whether dropout is on.")
    app.run(main)
