"""Trains a segmentation network.

    python -m recipes.segmentation.train --config=CONFIG.py --workdir=FOLDER

Any setting is changed on the command line: `--config.batch_size=4`. The same command again goes on
from the last checkpoint. The folder then holds `best.keras`, `last.keras`, `log.csv`, TensorBoard
files, `results.json` and `report.html`.
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
from recipes.run_directory import checkpoint_path, open_run
from recipes.segmentation.data import (
    class_names,
    modality_specs,
    open_dataset,
    open_split,
    pipeline_config,
)
from recipes.segmentation.evaluation import Protocol, evaluate, text_table
from recipes.segmentation.input_pipeline import eval_dataset, steps_per_epoch, train_dataset
from recipes.segmentation.model import build_model, compile_model
from recipes.segmentation.run_report import write_run_report


def train_and_evaluate(config, workdir, strategy="none", command=None):
    """Trains by a config, evaluates the best checkpoint and writes the report.

    Args:
        config: The run's `ConfigDict`.
        workdir: Folder of the run; a run with the same config goes on where it was.
        strategy: See `keras_asym.training.strategy_scope`.
        command: Command line for the report.

    Returns:
        `{output: {metric: value in 0..1}}` on the test split (validation without one).
    """
    workdir = open_run(workdir, config)
    keras.utils.set_random_seed(config.seed)
    builder = open_dataset(config)
    names = class_names(builder)
    pipeline = pipeline_config(config, len(names))
    source = open_split(builder, "train").cache()
    steps = steps_per_epoch(source, config.batch_size)
    scope, replicas = strategy_scope(strategy)
    share = per_replica_batch_size(config.batch_size, replicas)
    print(
        f"Data: {builder.info.full_name}, {len(names)} classes. Strategy: {strategy}, {replicas} "
        f"replica(s). Global batch size {config.batch_size}, {share} on each replica. "
        f"{steps} steps an epoch. Learning rates are as configured, not rescaled."
    )
    with scope:
        model = _train(config, workdir, builder, source, pipeline, steps, replicas)
        model = keras.models.load_model(checkpoint_path(workdir), compile=False)
    return _finish(model, config, workdir, builder, pipeline, names, command)


def _train(config, workdir, builder, source, pipeline, steps, replicas):
    state = read_state(workdir)
    done = state["epoch"] if state else 0
    if done:
        print(f"Going on after epoch {done} from {workdir / 'last.keras'}.")
        model = keras.models.load_model(checkpoint_path(workdir, "last"))
    else:
        model = build_model(config, pipeline["num_classes"], replicas)
    validation = None
    if "validation" in builder.info.splits:
        validation = open_split(builder, "validation").cache()
        validation = eval_dataset(validation, pipeline, config.eval_batch_size)
    batches = train_dataset(source, pipeline, config.batch_size, config.seed, done * steps)
    callbacks = _callbacks(config, workdir)
    begin = 0
    for stage in config.stages:
        end = begin + stage["epochs"]
        if end > done:
            if done <= begin:  # a stage starts with a new optimizer
                compile_model(model, config, stage, stage["epochs"] * steps)
            model.fit(
                batches,
                initial_epoch=max(begin, done),
                epochs=end,
                steps_per_epoch=steps,
                validation_data=validation,
                validation_freq=list(_validation_epochs(config, end)),
                callbacks=callbacks,
                shuffle=False,  # the pipeline does
                verbose=0,
            )
            batches = train_dataset(source, pipeline, config.batch_size, config.seed, end * steps)
        begin = end
    return model


def _validation_epochs(config, end):
    """Epochs, counted from 1, after which the validation split is evaluated."""
    every = config.evaluate_every
    return (epoch for epoch in range(1, end + 1) if epoch % every == 0 or epoch == end)


def _callbacks(config, workdir):
    return [
        ProgressBar(),
        StopOnNaN(),
        keras.callbacks.CSVLogger(workdir / "log.csv", append=True),
        keras.callbacks.TensorBoard(workdir / "tensorboard", write_graph=False),
        ModelCheckpoint(workdir, every=config.checkpoint_every),
    ]


def _finish(model, config, workdir, builder, pipeline, names, command):
    split = "test" if "test" in builder.info.splits else None
    split = split or ("validation" if "validation" in builder.info.splits else "train")
    source = open_split(builder, split)
    batches = eval_dataset(source, pipeline, config.eval_batch_size)
    results, class_iou = evaluate(model, batches, modality_specs(config))
    protocol = f"{Protocol()}, {split} split"
    record = {"protocol": protocol, "images": len(source), "results": results}
    write_atomically(workdir / "results.json", json.dumps(record, indent=2))
    report = workdir / "report.html"
    write_run_report(
        report, model, config, source, results, class_iou, names, split=split, command=command
    )
    print(text_table(results, protocol, len(source)))
    print(f"Report: {report}")
    return results


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    command = "python -m recipes.segmentation.train " + shlex.join(sys.argv[1:])
    workdir = os.path.expanduser(_WORKDIR.value)
    with readable_errors():
        train_and_evaluate(_CONFIG.value, workdir, _STRATEGY.value, command)


if __name__ == "__main__":
    _CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration.", lock_config=True)
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.")
    _STRATEGY = flags.DEFINE_enum("strategy", "none", STRATEGIES, "How devices are used.")
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
