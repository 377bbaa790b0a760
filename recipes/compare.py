"""Trains several variants of one config with the same budget and prints one table.

    python -m recipes.TASK.compare --config=CONFIG --workdir=FOLDER \
        --variants=rgb,depth,channel_exchanging --seeds=0,1,2

A variant is the name of a modality (a network on that input alone) or of a fusion strategy (on all
of `config.inputs`). Each run lies in `FOLDER/VARIANT_SEED/`. Running the same command again resumes
what is not finished.
"""

import json
import pathlib
import statistics

import keras

from keras_asym.files import write_atomically
from recipes import command
from recipes.fusions import FUSIONS
from recipes.run_folder import RunFolder
from recipes.train import train_and_evaluate


def compare(task, workdir, variants, seeds, command_line=None):
    """Trains each variant with each seed; a finished run of the same config is not repeated.

    Args:
        task: `recipes.task.Task` with the config that all runs share.
        workdir: Folder of the comparison.
        variants: Names of modalities of `config.inputs` or of fusion strategies.
        seeds: Integers.
        command_line: Shown in the reports.

    Returns:
        The table as Markdown text; also written to `comparison.md`.

    Raises:
        ValueError: If a variant is unknown, or a run in the folder is of another config.
    """
    known = [*task.config.inputs, *FUSIONS]
    unknown = [variant for variant in variants if variant not in known]
    if unknown or not variants or not seeds:
        raise ValueError(
            f"`variants` must be some of {known}, with one seed at least. "
            f"Received: variants={variants}, seeds={seeds}"
        )
    workdir = pathlib.Path(workdir).expanduser()
    runs = {(v, s): task.variant(v, s) for v in variants for s in seeds}
    for (variant, seed), made in runs.items():  # before the first of them is trained
        made.check()
        RunFolder(workdir / f"{variant}_{seed}").check_config(made)
    for (variant, seed), made in runs.items():
        folder = workdir / f"{variant}_{seed}"
        if not is_finished(RunFolder(folder), made):
            print(f"\n{variant}, seed {seed}")
            keras.utils.clear_session()
            train_and_evaluate(made, folder, command_line=command_line)
    text = table(task, read_results(workdir, variants, seeds))
    write_atomically(workdir / "comparison.md", text + "\n")
    print(f"\n{text}")
    return text


def is_finished(run, task):
    """Whether a run has its results, and is trained as long as a task asks for."""
    if not (run.path / "results.json").is_file() or not run.has_models():
        return False
    return run.config(task.default_config()).to_json() == task.config.to_json()


def read_results(workdir, variants, seeds):
    """`{variant: [record of each seed]}` from the `results.json` of the runs."""
    return {
        variant: [
            json.loads((pathlib.Path(workdir) / f"{variant}_{seed}" / "results.json").read_text())
            for seed in seeds
        ]
        for variant in variants
    }


def table(task, records):
    """Mean and standard deviation over the seeds, as Markdown.

    Args:
        task: `recipes.task.Task`, which says which metrics are shown and how.
        records: Result of `read_results`.
    """
    metrics = task.columns(next(iter(records.values()))[0]["results"])
    lines = ["| network | " + " | ".join(metrics) + " |", "|---|" + "---|" * len(metrics)]
    for variant, runs in records.items():
        outputs = list(runs[0]["results"])
        for output in outputs:
            if len(outputs) == 2 and output == "ensemble":
                continue  # with one modality the ensemble is the branch
            cells = [
                _cell([factor * run["results"][output][name] for run in runs], digits)
                for name, (factor, digits) in metrics.items()
            ]
            label = f"{variant} alone" if variant == output else f"{variant}: {output}"
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    run, count = runs[0], len(runs)
    spread = f"mean ± standard deviation over {count} seeds; " if count > 1 else ""
    lines += ["", f"{task.note}; {spread}{run['protocol']}; {run['images']} images."]
    return "\n".join(lines)


def _cell(values, digits):
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def main(task, argv=None):
    """The command line of a task."""
    parser = command.Parser(task, "compare", __doc__)
    parser.add_config()
    parser.add_run(checkpoint=False)
    parser.add_list("variants", "Names of inputs and of fusion strategies.")
    parser.add_list("seeds", "Seeds.", "0", int)

    def program(arguments, changes):
        compare(
            parser.task_of(arguments, changes),
            arguments.workdir,
            arguments.variants,
            arguments.seeds,
            arguments.command,
        )

    command.run(parser, program, argv)
