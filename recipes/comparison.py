"""Several runs of one config side by side: variants times seeds, and one table of them."""

import json
import pathlib
import shlex
import statistics
import sys

import keras
from absl import app, flags
from ml_collections import config_flags

from keras_asym.training import write_atomically
from recipes.errors import readable_errors


def compare(train, variant_of, table, workdir, variants, seeds):
    """Trains each variant with each seed; a finished run is not repeated.

    Args:
        train: Function of a config and the folder of a run that leaves `results.json` there.
        variant_of: Function of the name of a variant and a seed that gives its config.
        table: Function of what `read_results` gives that returns the table as Markdown.
        workdir: Folder of the comparison; each run lies in `VARIANT_SEED/`.
        variants: Names.
        seeds: Integers.

    Returns:
        The table; also written to `comparison.md`.
    """
    workdir = pathlib.Path(workdir)
    for variant in variants:
        for seed in seeds:
            folder = workdir / f"{variant}_{seed}"
            if not (folder / "results.json").is_file():
                print(f"\n{variant}, seed {seed}")
                keras.utils.clear_session()
                train(variant_of(variant, seed), folder)
    text = table(read_results(workdir, variants, seeds))
    write_atomically(workdir / "comparison.md", text + "\n")
    print(f"\n{text}")
    return text


def check_variants(variants, seeds, known):
    """Raises `ValueError` unless the variants are known and there is a seed."""
    unknown = [variant for variant in variants if variant not in known]
    if unknown or not variants or not seeds:
        raise ValueError(
            f"`variants` must be some of {known}, with one seed at least. "
            f"Received: variants={variants}, seeds={seeds}"
        )


def read_results(workdir, variants, seeds):
    """`{variant: [record of each seed]}` from the `results.json` of the runs."""
    return {
        variant: [
            json.loads((pathlib.Path(workdir) / f"{variant}_{seed}" / "results.json").read_text())
            for seed in seeds
        ]
        for variant in variants
    }


def markdown_table(records, metrics, note):
    """Mean and standard deviation over the seeds, as Markdown.

    Args:
        records: Result of `read_results`.
        metrics: `{name: (factor, digits)}` of the columns, in order.
        note: First words of the line under the table, such as `"Percent"`.
    """
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
    lines += ["", f"{note}; {spread}{run['protocol']}; {run['images']} images."]
    return "\n".join(lines)


def _cell(values, digits):
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def variant_of(config, variant, seed, fusions):
    """The config of a variant: a fusion strategy on all inputs, or one input alone."""
    config = config.copy_and_resolve_references()
    config.seed = seed
    if variant in fusions:
        config.fusion.name = variant
    else:
        config.inputs = (variant,)
        config.fusion.name = "private_normalization"
    return config


def run_command(module, compare):
    """Runs a comparison from the command line.

    Args:
        module: Name that the program is started by.
        compare: Function of a config, the folder, variants, seeds and the command line.
    """
    config = config_flags.DEFINE_config_file("config", None, "Configuration.", lock_config=True)
    workdir = flags.DEFINE_string("workdir", None, "Folder of the comparison.")
    variants = flags.DEFINE_list("variants", None, "Names of inputs and of fusion strategies.")
    seeds = flags.DEFINE_list("seeds", ["0"], "Seeds.")
    flags.mark_flags_as_required(["config", "workdir", "variants"])

    def main(argv):
        if len(argv) > 1:
            raise app.UsageError(f"Unknown arguments: {argv[1:]}")
        command = f"python -m {module} {shlex.join(sys.argv[1:])}"
        with readable_errors():
            numbers = [int(seed) for seed in seeds.value]
            compare(config.value, workdir.value, variants.value, numbers, command)

    app.run(main)
