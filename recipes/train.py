"""Trains a network, evaluates its best checkpoint and writes a report.

    python -m recipes.TASK.train --config=CONFIG --workdir=FOLDER

`CONFIG` is the name of a config or a Python file; any setting is changed on the command line:
`--config.batch_size=4`. Running the same command again resumes exactly where it was. The folder
then holds `best.keras`, `last.keras`, `log.csv`, TensorBoard files, `results.json` and
`report.html`. SIGTERM saves a checkpoint and ends with the status 143. `--dry_run` reads two
batches, makes two steps and one evaluation, says what it saw, and leaves nothing behind.
"""

import contextlib
import json

import keras

from keras_asym.files import write_atomically
from keras_asym.training import (
    STRATEGIES,
    Training,
    choose_distribution,
    per_replica_batch_size,
    train,
)
from recipes import command, costs
from recipes.by_image import write_by_image
from recipes.data.batches import batch_keys, evaluation_batches, steps_per_epoch, training_batches
from recipes.dry_run import dry_run
from recipes.fine_tuning import load_fitting_weights
from recipes.report.ensemble import ensemble_warning
from recipes.report.exchanged import look_at_example
from recipes.report.page import run_sections, write_page
from recipes.report.plots import thin_out
from recipes.run_folder import RunFolder
from recipes.task import split_words

_SMALL = 200  # pixels of the longer side of TensorBoard's pictures


def train_and_evaluate(task, workdir, strategy="none", command_line=None):
    """Trains by a task's config, evaluates the best checkpoint and writes the report.

    Args:
        task: `recipes.task.Task`.
        workdir: Folder of the run; one that was begun is resumed.
        strategy: See `keras_asym.training.choose_distribution`.
        command_line: Shown in the report.

    Returns:
        `{output: {metric: value}}` on the test split (validation without one); `None` on hosts
        other than the first.
    """
    task.check()
    run = RunFolder(workdir)
    distribution = choose_distribution(strategy)
    share = per_replica_batch_size(task.config.batch_size, distribution.replicas)
    with contextlib.ExitStack() as stack:
        distribution.chief_first(
            lambda: stack.enter_context(run.locked()) if distribution.is_chief else None
        )
        run.check_config(task)
        dataset = distribution.chief_first(task.open)
        task.survey(dataset)
        task.check_evaluation(len(dataset.source(dataset.evaluated_split)))
        training = make_training(task, dataset, distribution)
        hosts = f" on {distribution.hosts} hosts" if distribution.hosts > 1 else ""
        print(
            f"Data: {task.facts.name}. {task.title}. Strategy: {strategy}, "
            f"{distribution.replicas} replica(s){hosts}. Global batch size "
            f"{task.config.batch_size}, {share} on each replica. {training.steps} steps an epoch. "
            "Learning rates are as configured, not rescaled."
        )

        def begin():
            if distribution.is_chief:
                run.write_config(task)

        train(training, run.path, distribution, begin)
        results = None
        if distribution.is_chief:
            results = evaluate_best(task, dataset, run, command_line)
        distribution.gather(0)  # a host that leaves early would end the others
    return results


def make_training(task, dataset, distribution):
    """What the training loop needs, of a task and its data."""
    config, examples = task.config, task.examples
    source = dataset.source("train", task.image_names, memory=True)
    validation, pictures = None, None
    if dataset.validation:
        validation = dataset.source("validation", task.image_names, memory=True)
        if distribution.replicas == 1 and keras.backend.backend() == "tensorflow":
            pictures = _pictures(task, validation)
    steps = steps_per_epoch(source, config.batch_size)
    stages = task.training_stages()
    task.training_steps = steps * sum(stage.epochs for stage in stages)
    # The global batch size with an equal part for each replica, none of them empty.
    eval_size = -(-config.eval_batch_size // distribution.replicas) * distribution.replicas
    # On JAX the statistics of a batch are global anyway.
    replicas = 1 if keras.backend.backend() == "jax" else distribution.replicas

    def build():
        model = task.build_model(replicas)
        if config.init:
            print(load_fitting_weights(model, RunFolder(config.init)))
        return model

    return Training(
        build=build,
        stages=stages,
        steps=steps,
        train_batches=lambda step, context: training_batches(
            source, examples, config.batch_size, config.seed, step, context
        ),
        validation_batches=validation
        and (lambda context: evaluation_batches(validation, examples, eval_size, context)),
        monitor=task.monitor,
        mode=task.mode,
        keys=batch_keys(source, config.batch_size, config.seed),
        data={**dataset.identity, "steps_an_epoch": steps},
        seed=config.seed,
        evaluate_every=config.evaluate_every,
        checkpoint_every=config.checkpoint_every,
        checkpoint_steps=config.checkpoint_steps,
        patience=config.early_stopping,
        precision=config.precision,
        gradient_accumulation=config.gradient_accumulation,
        batch_size=config.batch_size,
        callbacks=task.callbacks(),
        pictures=pictures,
    )


def _pictures(task, source):
    """Function of a model that gives TensorBoard's small pictures of the first examples; `None`
    without any."""
    count = task.config.tensorboard_examples

    def pictures(model):
        panels = task.pictures(model, source, count)
        return {
            f"{number}/{caption}": thin_out(image, _SMALL)
            for number, (_, images) in enumerate(panels)
            for caption, image in images.items()
        }

    return pictures if count else None


def evaluate_best(task, dataset, run, command_line=None):
    """Evaluates a run's best checkpoint and writes `results.json` and the report.

    Args:
        task: The run's task.
        dataset: `recipes.data.dataset.DataSet`.
        run: `RunFolder`.
        command_line: Shown in the report.
    """
    task.use_checkpoint(run, "best")
    model = run.load("best")
    split = dataset.evaluated_split
    source = dataset.source(split, task.image_names)

    def save(found):
        record = {**found.record(), "machine": costs.machine()}
        write_by_image(run.path, found.by_image)
        write_atomically(run.path / "results.json", json.dumps(record, indent=2))

    found = task.evaluate(model, source, task.protocol(), split_words(split, "best"), save)
    save(found)
    print(task.text(found))
    warning = ensemble_warning(task, found.results)
    if warning:
        print(warning)
    panels = task.pictures(model, source, task.config.report_examples)
    exchange = look_at_example(task, model, source, len(panels))
    report = run.path / "report.html"
    write_page(
        report,
        task.title,
        run_sections(task, found, model, panels, run.path / "log.csv", exchange),
        command_line,
    )
    print(f"Report: {report}")
    return found.results


def main(task, argv=None):
    """The command line of a task."""
    parser = command.Parser(task, "train", __doc__)
    parser.add_config()
    parser.add_run(checkpoint=False, required=False)
    parser.add_argument(
        "--strategy", default="none", choices=STRATEGIES, help="How devices are used."
    )
    parser.add_flag("dry_run", "Try everything once, and leave nothing behind.")

    def program(arguments, changes):
        if not arguments.workdir and not arguments.dry_run:
            parser.error("--workdir=FOLDER is required, or --dry_run")
        made = parser.task_of(arguments, changes)
        if arguments.dry_run:
            dry_run(made, make_training, arguments.strategy)
        else:
            train_and_evaluate(made, arguments.workdir, arguments.strategy, arguments.command)

    command.run(parser, program, argv)
