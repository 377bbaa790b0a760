"""Trains several variants of one config with the same budget and prints one table.

    python -m recipes.image_translation.compare --config=CONFIG.py --workdir=FOLDER \
        --variants=reshading,edge_texture,channel_exchanging --seeds=0,1,2

A variant is the name of an input domain (a network on that input alone) or of a fusion strategy (on
all of `config.inputs`). Each run lies in `FOLDER/VARIANT_SEED/`. The same command again goes on.
"""

from recipes import comparison
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
        lambda variant, seed: comparison.variant_of(config, variant, seed, FUSIONS),
        comparison_table,
        workdir,
        variants,
        seeds,
    )


def comparison_table(records):
    """The table of `comparison.read_results`."""
    forms = columns(next(iter(records.values()))[0]["results"])
    return comparison.markdown_table(records, forms, "Lower is better but for PSNR and SSIM")


if __name__ == "__main__":
    comparison.run_command("recipes.image_translation.compare", compare)
