"""Trains several variants of one config with the same budget and prints one table.

    python -m recipes.TASK.compare --config=CONFIG --workdir=FOLDER \
        --variants=rgb,depth,channel_exchanging --seeds=0,1,2 --baseline=rgb

A variant is the name of a modality (a network on that input alone) or of a fusion strategy (on all
of `config.inputs`); `all` stands for every one of both. Each run lies in `FOLDER/VARIANT_SEED/`.
Running the same command again resumes what is not finished. `--table_only` trains nothing: it
writes the table of the runs that lie in the folder.
"""

import json
import pathlib

import keras

from keras_asym.files import write_atomically
from recipes import command, costs
from recipes import config as configs
from recipes.by_image import read_by_image
from recipes.comparison_table import table
from recipes.errors import is_raised_here
from recipes.fusions import ALL_FUSIONS, FUSIONS
from recipes.run_folder import RunFolder
from recipes.train import train_and_evaluate

ALL = "all"
RESULTS = "results.json"


def compare(task, workdir, variants, seeds, command_line=None, baseline=None):
    """Trains each variant with each seed; a finished run of the same config is not repeated.

    A run that ends with a `ValueError`, as of a strategy that the network does not allow, does not
    keep the others from being trained.

    Args:
        task: `recipes.task.Task` with the config that all runs share.
        workdir: Folder of the comparison.
        variants: Names of modalities of `config.inputs` or of fusion strategies; `"all"` for all
            of them.
        seeds: Integers.
        command_line: Shown in the reports.
        baseline: Name of the variant that the others are compared to, if any.

    Returns:
        The table as Markdown text; also written to `comparison.md`.

    Raises:
        ValueError: If a variant is unknown, or a run in the folder is of another config, both
            before anything is trained; after the table is written, if a run could not be trained.
    """
    variants = known_variants(task) if ALL in variants else list(dict.fromkeys(variants))
    if not variants or not seeds:
        raise ValueError(
            f"`variants` must be some of {known_variants(task)}, with one seed at least. "
            f"Received: variants={variants}, seeds={seeds}"
        )
    check_names(task, variants, baseline)
    workdir = pathlib.Path(workdir).expanduser()
    runs = {(v, s): task.variant(v, s) for v in variants for s in seeds}
    for (variant, seed), made in runs.items():  # before the first of them is trained
        made.check()
        RunFolder(workdir / f"{variant}_{seed}").check_config(made)
    failed = {}
    for (variant, seed), made in runs.items():
        run = RunFolder(workdir / f"{variant}_{seed}")
        try:
            complete(made, run, command_line, f"\n{variant}, seed {seed}")
        except ValueError as error:
            if not is_raised_here(error):  # a bug
                raise
            failed[run.path.name] = error
            print(f"{run.path.name} could not be trained: {error}")
    if len(failed) == len(runs):
        raise next(iter(failed.values()))
    text = write_table(task, workdir, read_results(workdir, variants, seeds), baseline)
    if failed:
        reasons = "\n".join(f"  {name}: {error}" for name, error in failed.items())
        raise ValueError(f"Every variant must be trained. These could not be:\n{reasons}")
    return text


def tabulate(task, workdir, variants=(), seeds=(), baseline=None):
    """The table of the runs that lie in a folder; nothing is trained and nothing measured.

    Args:
        task, workdir, baseline: As for `compare`.
        variants: The rows, in order, also of variants without a finished run. By default, and for
            `"all"`, all that have one.
        seeds: Integers; by default all that are there.

    Returns:
        The table as Markdown text; also written to `comparison.md`.

    Raises:
        ValueError: If a variant is unknown, a run is of another config, or none is finished.
    """
    workdir = pathlib.Path(workdir).expanduser()
    known = [*task.config.inputs, *ALL_FUSIONS]
    named = [] if ALL in variants else list(dict.fromkeys(variants))
    check_names(task, named or known, baseline)
    found = seeds_there(workdir, named or known)
    if seeds:
        found = {v: [s for s in there if s in seeds] for v, there in found.items()}
    shown = named or [variant for variant in known if found[variant]]
    for variant in shown:
        for seed in found[variant]:
            RunFolder(workdir / f"{variant}_{seed}").check_config(task.variant(variant, seed))
    records = {v: read_results(workdir, [v], found[v])[v] for v in shown}
    return write_table(task, workdir, records, baseline)


def known_variants(task):
    """Each input alone, then each fusion strategy that any network takes: what `"all"` means."""
    return [*task.config.inputs, *FUSIONS]


def check_names(task, variants, baseline):
    """Raises `ValueError` unless all variants are known and the baseline is one of them."""
    known = [*task.config.inputs, *ALL_FUSIONS]
    unknown = [variant for variant in variants if variant not in known]
    if unknown:
        raise ValueError(f"`variants` must be some of {known}. Received: {unknown}")
    if baseline is not None and baseline not in variants:
        raise ValueError(
            f"`baseline` must be one of the variants {variants}. Received: baseline={baseline!r}"
        )


def complete(made, run, command_line, heading):
    """Trains what is not finished, and measures once what the model costs.

    Args:
        made: The run's task.
        run: `RunFolder`.
        command_line: Shown in the report.
        heading: Printed before a training.
    """
    results = run.path / RESULTS
    if not is_finished(run, made):
        print(heading)
        keras.utils.clear_session()
        results.unlink(missing_ok=True)  # of a shorter training
        train_and_evaluate(made, run.path, command_line=command_line)
    record = json.loads(results.read_text())
    if "cost" not in record:
        dataset = made.open()
        source = dataset.source(dataset.evaluated_split, made.image_names)
        record["cost"] = costs.measure(made, run.load("best"), source)
        write_atomically(results, json.dumps(record, indent=2))


def is_finished(run, task):
    """Whether a run has its results, and is trained as long as a task asks for."""
    if not (run.path / RESULTS).is_file() or not run.has_models():
        return False
    old = run.config(task.default_config())
    return not list(configs.differences(old, task.config))


def seeds_there(workdir, variants):
    """`{variant: seeds}` of the runs in a folder that have results."""
    found = {variant: [] for variant in variants}
    for path in workdir.glob(f"*_*/{RESULTS}"):
        variant, _, seed = path.parent.name.rpartition("_")
        if variant in found and seed.isdecimal():
            found[variant].append(int(seed))
    return {variant: sorted(seeds) for variant, seeds in found.items()}


def read_results(workdir, variants, seeds):
    """`{variant: {seed: record}}` of the runs that have results, with what they are made of."""
    workdir = pathlib.Path(workdir)
    paths = {v: {s: workdir / f"{v}_{s}" for s in seeds} for v in variants}
    return {
        variant: {s: read_record(p) for s, p in by_seed.items() if (p / RESULTS).is_file()}
        for variant, by_seed in paths.items()
    }


def read_record(folder):
    """A run's `results.json`, and as `by_image` what adds up to it."""
    return {**json.loads((folder / RESULTS).read_text()), "by_image": read_by_image(folder)}


def write_table(task, workdir, records, baseline):
    text = table(task, records, baseline)
    write_atomically(workdir / "comparison.md", text + "\n")
    print(f"\n{text}")
    return text


def main(task, argv=None):
    """The command line of a task."""
    parser = command.Parser(task, "compare", __doc__)
    parser.add_config()
    parser.add_run(checkpoint=False)
    parser.add_list("variants", "Names of inputs and of fusion strategies, or all.")
    parser.add_list("seeds", "Seeds; 0 by default, with --table_only all that are there.", "", int)
    parser.add_argument("--baseline", help="Variant that the others are compared to.")
    parser.add_flag("table_only", "Write the table of the runs that are there; train nothing.")

    def program(arguments, changes):
        made, workdir = parser.task_of(arguments, changes), arguments.workdir
        variants, seeds, baseline = arguments.variants, arguments.seeds, arguments.baseline
        if arguments.table_only:
            tabulate(made, workdir, variants, seeds, baseline)
        else:
            compare(made, workdir, variants, seeds or [0], arguments.command, baseline)

    command.run(parser, program, argv)
