"""Trains an image translation network.

    python -m recipes.image_translation.train --config=CONFIG.py --workdir=FOLDER

Any setting is changed on the command line: `--config.batch_size=4`. The same command again goes on
exactly where it was. The folder then holds `best.keras` (by the ensemble's absolute error on
the validation split), `last.keras`, `log.csv`, TensorBoard files, `results.json` and `report.html`.
SIGTERM saves a checkpoint and ends with the status 143.
"""

import functools
import json
import os
import shlex
import sys

import keras
from absl import app, flags
from ml_collections import config_flags

from keras_asym.training import STRATEGIES, choose_distribution, write_atomically
from recipes.errors import readable_errors
from recipes.image_translation.data import (
    image_names,
    keep_in_memory,
    open_dataset,
    open_split,
    pipeline_config,
)
from recipes.image_translation.evaluation import Inception, evaluate, text_table
from recipes.image_translation.evaluation import describe as describe_protocol
from recipes.image_translation.input_pipeline import eval_dataset, steps_per_epoch, train_dataset
from recipes.image_translation.model import build_model, compile_model
from recipes.image_translation.run_report import write_run_report
from recipes.run_directory import checkpoint_path, open_run
from recipes.training_loop import (
    Stage,
    Task,
    batch_keys,
    describe,
    evaluation_batch_size,
    train,
)


def train_and_evaluate(config, workdir, strategy="none", command=None):
    """Trains by a config, evaluates the best checkpoint and writes the report.

    Args:
        config: The run's `ConfigDict`.
        workdir: Folder of the run; a run with the same config goes on where it was.
        strategy: See `keras_asym.training.choose_distribution`.
        command: Command line for the report.

    Returns:
        `{output: {metric: value}}` on the test split (validation without one); `None` on hosts
        other than the first.
    """
    distribution = choose_distribution(strategy)
    workdir = distribution.chief_first(functools.partial(open_run, workdir, config))
    inception = Inception(**config.inception)
    builder = distribution.chief_first(lambda: open_dataset(config))
    pipeline = pipeline_config(config)
    source, most = keep_in_memory(open_split(builder, "train", image_names(config)))
    pipeline["shuffle_buffer"] = min(pipeline["shuffle_buffer"], most)
    steps = steps_per_epoch(source, config.batch_size)
    print(
        f"Data: {builder.info.full_name}, {' + '.join(config.inputs)} -> {config.target}. "
        + describe(strategy, distribution, config.batch_size, steps)
    )
    train(
        _task(config, builder, source, pipeline, steps, distribution), config, workdir, distribution
    )
    results = None
    if distribution.is_chief:
        model = keras.models.load_model(checkpoint_path(workdir), compile=False)
        results = _finish(model, config, workdir, builder, pipeline, inception, command)
    distribution.gather(0)  # a host that leaves early would end the others
    return results


def _task(config, builder, source, pipeline, steps, distribution):
    validation = None
    if "validation" in builder.info.splits:
        validation, _ = keep_in_memory(open_split(builder, "validation", image_names(config)))
    batch_size = evaluation_batch_size(config.eval_batch_size, distribution)
    return Task(
        build=lambda: build_model(config),
        stages=(Stage(config.epochs, lambda model, steps: compile_model(model, config, steps)),),
        steps=steps,
        train_batches=lambda step, context: train_dataset(
            source, pipeline, config.batch_size, config.seed, step, context
        ),
        validation_batches=validation
        and (lambda context: eval_dataset(validation, pipeline, batch_size, context)),
        keys=batch_keys(source, config.batch_size, config.seed, pipeline["shuffle_buffer"]),
        monitor="val_ensemble_mae",
        mode="min",
    )


def _finish(model, config, workdir, builder, pipeline, inception, command):
    split = _evaluated_split(builder)
    source = open_split(builder, split)
    batches = eval_dataset(source, pipeline, config.eval_batch_size)
    protocol = describe_protocol(split, model.dropout_at_test, inception)
    if keras.backend.backend() == "jax":
        results = _evaluate_on_jax(model, batches)
    else:
        results = evaluate(model, batches, inception)
    record = {"protocol": protocol, "images": len(source), "results": results}
    write_atomically(workdir / "results.json", json.dumps(record, indent=2))
    print(text_table(results, protocol, len(source)))
    if keras.backend.backend() != "jax":  # the report's pictures are made with TensorFlow
        report = workdir / "report.html"
        write_run_report(report, model, config, source, results, protocol, command)
        print(f"Report: {report}")
    return results


def _evaluate_on_jax(model, batches):
    model.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    values = model.evaluate(batches, return_dict=True, verbose=0)
    return {key: {"MAE": float(values[f"{key}_mae"]) / 2} for key in model.output_keys}


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
