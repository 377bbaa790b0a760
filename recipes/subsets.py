"""How a network does when sensors are gone: every subset of its modalities, a row each."""

import dataclasses
import itertools
import json

from keras_asym.files import write_atomically
from recipes.task import readable_names
from recipes.trained_run import TrainedRun


def evaluate_subsets(task_class, workdir, split, checkpoint, protocol):
    """Evaluates a run's checkpoint on each subset of its modalities; prints and keeps a table.

    What is absent is removed, not filled with zeros: each subset is the network of `select`.

    Args:
        task_class: The run's task.
        workdir: Folder of the run.
        split: Name of a split of the run's data set.
        checkpoint: `"best"` or `"last"`.
        protocol: The task's protocol, whose modalities are those of each subset.

    Returns:
        `{names: {metric: value}}` of the ensembles, names joined by `" + "`, all modalities first.
    """
    run = TrainedRun(task_class, workdir, checkpoint)
    task = run.task
    _, source = run.data(split)
    found = subset_results(run, split, source, protocol, subsets(task.config.inputs))
    text = "\n".join([table(task, found), *task.rows_text(found)])
    print(text)
    record = {"checkpoint": checkpoint, "images": len(source), "results": found}
    write_atomically(run.folder.path / f"subsets_{split}.json", json.dumps(record, indent=2))
    write_atomically(run.folder.path / f"subsets_{split}.md", text + "\n")
    return found


def subset_results(run, split, source, protocol, chosen):
    """The ensemble's figures on some subsets of a run's modalities.

    Args:
        run: `TrainedRun`.
        split: Name of the split.
        source: Its examples.
        protocol: As for `evaluate_subsets`.
        chosen: List of tuples of names.

    Returns:
        `{names: {metric: value}}`, names joined by `" + "`, in their order.
    """
    found = {}
    for names in chosen:
        of_names = dataclasses.replace(protocol, modalities=names)
        evaluation = run.task.evaluate(run.select(names), source, of_names, run.words(split))
        found[readable_names(names)] = evaluation.results["ensemble"]
    return found


def subsets(names):
    """All subsets but the empty one as tuples, the largest first."""
    sizes = range(len(names), 0, -1)
    return [subset for size in sizes for subset in itertools.combinations(names, size)]


def table(task, found):
    """The results of subsets as Markdown, their mean (EMM), and the worst by the main metric."""
    columns = task.columns({"ensemble": next(iter(found.values()))})
    lines = [f"| sensors | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]

    def row(label, values):
        cells = (
            f"{factor * values[name]:.{digits}f}" for name, (factor, digits) in columns.items()
        )
        lines.append(f"| {label} | {' | '.join(cells)} |")

    for names, values in found.items():
        row(names, values)
    means = {name: sum(x[name] for x in found.values()) / len(found) for name in columns}
    worst = max if task.main_metric in task.lower_is_better else min
    names = worst(found, key=lambda names: found[names][task.main_metric])
    row(f"mean over the {len(found)} subsets (EMM)", means)
    row(f"worst: {names}", found[names])
    return "\n".join(lines)
