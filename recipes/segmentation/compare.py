"""Trains several variants of one config with the same budget and prints one table.

    python -m recipes.segmentation.compare --config=CONFIG.py --workdir=FOLDER \
        --variants=rgb,depth,channel_exchanging --seeds=0,1,2

A variant is the name of a modality (a network on that input alone) or of a fusion strategy (on all
of `config.inputs`). Each run lies in `FOLDER/VARIANT_SEED/`. The same command again goes on.
"""

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
from recipes.segmentation.evaluation import METRICS
from recipes.segmentation.model import FUSIONS
from recipes.segmentation.train import train_and_evaluate


def compare(config, workdir, variants, seeds, command=None):
    """Trains each variant with each seed.

    Args:
        config: The `ConfigDict` that all runs share.
        workdir: Folder of the comparison.
        variants: Names of modalities of `config.inputs` or of fusion strategies.
        seeds: Integers.
        command: Command line for the reports.

    Returns:
        The table as Markdown text; also written to `comparison.md`.
    """
    known = [*config.inputs, *FUSIONS]
    unknown = [variant for variant in variants if variant not in known]
    if unknown or not variants or not seeds:
        raise ValueError(
            f"`variants` must be some of {known}, with one seed at least. "
            f"Received: variants={variants}, seeds={seeds}"
        )
    workdir = pathlib.Path(workdir)
    for variant in variants:
        for seed in seeds:
            folder = workdir / f"{variant}_{seed}"
            if not (folder / "results.json").is_file():
                print(f"\n{variant}, seed {seed}")
                keras.utils.clear_session()
                train_and_evaluate(_variant(config, variant, seed), folder, command=command)
    table = comparison_table(workdir, variants, seeds)
    write_atomically(workdir / "comparison.md", table + "\n")
    print(f"\n{table}")
    return table


def comparison_table(workdir, variants, seeds):
    """Mean and standard deviation over the seeds, in percent, as Markdown."""
    lines = [
        "| network | " + " | ".join(METRICS) + " |",
        "|---|" + "---|" * len(METRICS),
    ]
    for variant in variants:
        records = [
            json.loads((workdir / f"{variant}_{seed}" / "results.json").read_text())
            for seed in seeds
        ]
        for output in records[0]["results"]:
            if len(records[0]["results"]) == 2 and output == "ensemble":
                continue  # with one modality the ensemble is the branch
            cells = [_cell([r["results"][output][name] for r in records]) for name in METRICS]
            lines.append(f"| {_label(variant, output)} | " + " | ".join(cells) + " |")
    spread = f"mean ± standard deviation over {len(seeds)} seeds; " if len(seeds) > 1 else ""
    lines.append("")
    lines.append(f"Percent; {spread}{records[0]['protocol']}; {records[0]['images']} images.")
    return "\n".join(lines)


def _cell(values):
    mean = f"{100 * statistics.mean(values):.1f}"
    return f"{mean} ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else mean


def _label(variant, output):
    return f"{variant} alone" if variant == output else f"{variant}: {output}"


def _variant(config, variant, seed):
    config = config.copy_and_resolve_references()
    config.seed = seed
    if variant in FUSIONS:
        config.fusion.name = variant
    else:
        config.inputs = (variant,)
        config.fusion.name = "private_normalization"
    return config


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}")
    command = "python -m recipes.segmentation.compare " + shlex.join(sys.argv[1:])
    seeds = [int(seed) for seed in _SEEDS.value]
    with readable_errors():
        compare(_CONFIG.value, _WORKDIR.value, _VARIANTS.value, seeds, command)


if __name__ == "__main__":
    _CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration.", lock_config=True)
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the comparison.")
    _VARIANTS = flags.DEFINE_list("variants", None, "Modalities and fusion strategies.")
    _SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds.")
    flags.mark_flags_as_required(["config", "workdir", "variants"])
    app.run(main)
