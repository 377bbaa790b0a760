"""Trains an image translation network.

    python -m recipes.image_translation.train --config=CONFIG.py --workdir=FOLDER

Any setting is changed on the command line: `--config.batch_size=4`. The same command again goes on
from the last checkpoint. The folder then holds `best.keras` (by the ensemble's absolute error on
the validation split), `last.keras`, `log.csv`, TensorBoard files, `results.json` and `report.html`.
"""

import json
import os
import shlex
import sys

import keras
from absl import app, flags
from ml_collections import config_flags

from keras_asym.training import (
    STRATEGIES,
    ModelCheckpoint,
    ProgressBar,
    StopOnNaN,
    per_replica_batch_size,
    read_state,
    strategy_scope,
    write_atomically,
)
from recipes.errors import readable_errors
from recipes.image_translation.data import open_dataset, open_split, pipeline_config
from recipes.image_translation.evaluation import Inception, describe, evaluate, text_table
from recipes.image_translation.input_pipeline import eval_dataset, steps_per_epoch, train_dataset
from recipes.image_translation.model import build_model, compile_model
from recipes.image_translation.run_report import write_run_report
from recipes.run_directory import checkpoint_path, open_run


def train_and_evaluate(config, workdir, strategy="none", command=None):
    """Trains by a config, evaluates the best checkpoint and writes the report.

    Args:
        config: The run's `ConfigDict`.
        workdir: Folder of the run; a run with the same config goes on where it was.
        strategy: See `keras_asym.training.strategy_scope`.
        command: Command line for the report.

    Returns:
        `{output: {metric: value}}` on the test split (validation without one).
    """
    workdir = open_run(workdir, config)
    keras.utils.set_random_seed(config.seed)
    inception = Inception(**config.inception)
    builder = open_dataset(config)
    inception.check(len(open_split(builder, _evaluated_split(builder))))
    pipeline = pipeline_config(config)
    source = open_split(builder, "train").cache()
    steps = steps_per_epoch(source, config.batch_size)
    scope, replicas = strategy_scope(strategy)
    share = per_replica_batch_size(config.batch_size, replicas)
    print(
        f"Data: {builder.info.full_name}, {' + '.join(config.inputs)} -> {config.target}. "
        f"Strategy: {strategy}, {replicas} replica(s). Global batch size {config.batch_size}, "
        f"{share} on each replica. {steps} steps an epoch. Learning rates are as configured, not "
        "rescaled."
    )
    with scope:
        model = _train(config, workdir, builder, source, pipeline, steps)
        model = keras.models.load_model(checkpoint_path(workdir), compile=False)
    return _finish(model, config, workdir, builder, pipeline, inception, command)


def _train(config, workdir, builder, source, pipeline, steps):
    state = read_state(workdir)
    done = state["epoch"] if state else 0
    if done:
        print(f"Going on after epoch {done} from {workdir / 'last.keras'}.")
        model = keras.models.load_model(checkpoint_path(workdir, "last"))
    else:
        model = build_model(config)
        compile_model(model, config, config.epochs * steps)
    if done >= config.epochs:
        return model
    validation = None
    if "validation" in builder.info.splits:
        validation = open_split(builder, "validation").cache()
        validation = eval_dataset(validation, pipeline, config.eval_batch_size)
    model.fit(
        train_dataset(source, pipeline, config.batch_size, config.seed, done * steps),
        initial_epoch=done,
        epochs=config.epochs,
        steps_per_epoch=steps,
        validation_data=validation,
        validation_freq=config.evaluate_every,
        callbacks=[
            ProgressBar(),
            StopOnNaN(),
            keras.callbacks.CSVLogger(workdir / "log.csv", append=True),
            keras.callbacks.TensorBoard(workdir / "tensorboard", write_graph=False),
            ModelCheckpoint(workdir, "val_ensemble_mae", "min", config.checkpoint_every),
        ],
        shuffle=False,  # the pipeline does
        verbose=0,
    )
    return model


def _finish(model, config, workdir, builder, pipeline, inception, command):
    split = _evaluated_split(builder)
    source = open_split(builder, split)
    batches = eval_dataset(source, pipeline, config.eval_batch_size)
    results = evaluate(model, batches, inception)
    protocol = describe(split, model.dropout_at_test, inception)
    record = {"protocol": protocol, "images": len(source), "results": results}
    write_atomically(workdir / "results.json", json.dumps(record, indent=2))
    report = workdir / "report.html"
    write_run_report(report, model, config, source, results, protocol, command)
    print(text_table(results, protocol, len(source)))
    print(f"Report: {report}")
    return results


def _evaluated_split(builder):
    return next(name for name in ("test", "validation", "train") if name in builder.info.splits)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    command = "python -m recipes.image_translation.train " + shlex.join(sys.argv[1:])
    workdir = os.path.expanduser(_WORKDIR.value)
    with readable_errors():
        train_and_evaluate(_CONFIG.value, workdir, _STRATEGY.value, command)


if __name__ == "__main__":
    _CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration.", lock_config=True)
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.")
    _STRATEGY = flags.DEFINE_enum("strategy", "none", STRATEGIES, "How devices are used.")
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
