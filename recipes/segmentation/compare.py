"""Trains several variants of one config with the same budget and prints one table.

    python -m recipes.segmentation.compare --config=CONFIG.py --workdir=FOLDER \
        --variants=rgb,depth,channel_exchanging --seeds=0,1,2

A variant is the name of a modality (a network on that input alone) or of a fusion strategy (on all
of `config.inputs`). Each run lies in `FOLDER/VARIANT_SEED/`. The same command again goes on.
"""

from recipes import comparison
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
    """The table of `comparison.read_results`, in percent."""
    metrics = {name: (100, 1) for name in METRICS}
    return comparison.markdown_table(records, metrics, "Percent")


if __name__ == "__main__":
    comparison.run_command("recipes.segmentation.compare", compare)
