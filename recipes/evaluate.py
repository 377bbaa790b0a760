"""Evaluates a trained network on a split of its data.

    python -m recipes.TASK.evaluate --workdir=RUN --split=test

Every table says how it was measured. `--modalities=rgb` evaluates with some of the sensors alone,
`--subsets` with each subset of them in turn.
Figures are also kept in the run's folder, in `evaluation_SPLIT.json` and, by class, as CSV.
"""

import json

from keras_asym.files import write_atomically
from recipes import command
from recipes.report.ensemble import ensemble_warning
from recipes.run_folder import RunFolder
from recipes.subsets import evaluate_subsets
from recipes.trained_run import TrainedRun


def evaluate_run(task_class, workdir, split="test", checkpoint="best", protocol=None):
    """Evaluates a run's checkpoint on a split; prints a table.

    Args:
        task_class: The run's task.
        workdir: Folder of the run.
        split: Name of a split of the run's data set.
        checkpoint: `"best"` or `"last"`.
        protocol: How; see the task. As at the end of training by default.

    Returns:
        `{output: {metric: value}}`.
    """
    run = TrainedRun(task_class, workdir, checkpoint)
    task = run.task
    protocol = task.protocol() if protocol is None else protocol
    model = run.select(protocol.modalities)
    dataset, source = run.data(split)
    found = task.evaluate(model, source, protocol, run.words(split))
    print(f"Data: {dataset.builder.info.full_name} in {dataset.builder.data_path}")
    print(task.text(found).replace(found.protocol, f"{found.protocol}, {checkpoint} checkpoint"))
    warning = ensemble_warning(task, found.results)
    if warning:
        print(warning)
    keep(task, found, run.folder.path / f"evaluation_{split}", checkpoint)
    return found.results


def keep(task, found, path, checkpoint):
    """Writes an evaluation as JSON, with tables by class as CSV beside it."""
    tables, details = task.files(found)
    record = {**found.record(), "checkpoint": checkpoint, **details}
    write_atomically(path.with_suffix(".json"), json.dumps(record, indent=2))
    for name, text in tables.items():
        write_atomically(path.with_name(f"{path.name}_{name}"), text)


def main(task, argv=None):
    """The command line of a task."""
    parser = command.Parser(task, "evaluate", __doc__)
    parser.add_run()
    parser.add_argument("--split", default="test", help="Split of the data set.")
    parser.add_list("modalities", "Modalities that are used; all by default.")
    parser.add_flag("subsets", "Each subset of the modalities in turn, and their mean.")
    task.add_flags(parser, "evaluate")

    def program(arguments, changes):
        del changes
        made = task.of_run(RunFolder(arguments.workdir))
        place = task, arguments.workdir, arguments.split, arguments.checkpoint
        evaluated = evaluate_subsets if arguments.subsets else evaluate_run
        evaluated(*place, made.protocol(arguments))

    command.run(parser, program, argv)
