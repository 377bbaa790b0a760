"""Trains several variants of one config with the same budget and prints one table.

    python -m recipes.image_translation.compare --config=CONFIG.py --workdir=FOLDER \
        --variants=reshading,edge_texture,channel_exchanging --seeds=0,1,2

A variant is the name of an input domain (a network on that input alone) or of a fusion strategy (on
all of `config.inputs`). Each run lies in `FOLDER/VARIANT_SEED/`. The same command again goes on.
"""

import shlex
import sys

from absl import app, flags
from ml_collections import config_flags

from recipes import comparison
from recipes.errors import readable_errors
from recipes.image_translation.evaluation import columns
from recipes.image_translation.model import FUSIONS
from recipes.image_translation.train import train_and_evaluate


def compare(config, workdir, variants, seeds, command=None):
    """Trains each variant with each seed.

    Args:
        config: The `ConfigDict` that all runs share.
        workdir: Folder of the comparison.
        variants: Names of domains of `config.inputs` or of fusion strategies.
        seeds: Integers.
        command: Command line for the reports.

    Returns:
        The table as Markdown text; also written to `comparison.md`.
    """
    comparison.check_variants(variants, seeds, [*config.inputs, *FUSIONS])
    return comparison.compare(
        lambda config, folder: train_and_evaluate(config, folder, command=command),
        lambda variant, seed: _variant(config, variant, seed),
        comparison_table,
        workdir,
        variants,
        seeds,
    )


def comparison_table(records):
    """The table of `comparison.read_results`."""
    forms = columns(next(iter(records.values()))[0]["results"])
    return comparison.markdown_table(records, forms, "Lower is better but for PSNR and SSIM")


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
    command = "python -m recipes.image_translation.compare " + shlex.join(sys.argv[1:])
    seeds = [int(seed) for seed in _SEEDS.value]
    with readable_errors():
        compare(_CONFIG.value, _WORKDIR.value, _VARIANTS.value, seeds, command)


if __name__ == "__main__":
    _CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration.", lock_config=True)
    _WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the comparison.")
    _VARIANTS = flags.DEFINE_list("variants", None, "Domains and fusion strategies.")
    _SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds.")
    flags.mark_flags_as_required(["config", "workdir", "variants"])
    app.run(main)
