"""The model card of a preset, with the front matter that the Hugging Face Hub reads."""

import statistics

from keras_asym.models.presets import METADATA
from recipes.task import readable_names


def card(task, model, figures, licence, name):
    """The card as Markdown.

    Args:
        task: `recipes.task.Task` of the run.
        model: Its model, with the preprocessor.
        figures: Of the run, as `metadata.json` has them: those of an evaluation, `"subsets"`,
            `"seeds"` and `"cost"`.
        licence: Of the weights, by its SPDX identifier.
        name: Of the preset.
    """
    kind = type(model).__name__
    sensors = "\n".join(
        f"| {key} | {task.facts.dtypes[key]} | {converter.channels} | {_words(converter)} |"
        for key, converter in model.preprocessor.converters.items()
    )
    inputs = ", ".join(f'"{key}": {key}' for key in model.modality_names)
    return f"""---
library_name: keras_asym
license: {licence or "unknown"}
tags: [keras, multimodal, {task.name.replace("_", "-")}]
---
# {name}

{task.title} by one shared network, \
{model.network.count_params():,} parameters. Licence of the weights: {licence or "unknown"}.

    from keras_asym.models import {kind}
    model = {kind}.from_preset("{name}")
    outputs = model.predict({{{inputs}}})

| input | dtype | channels | network value |
|---|---|---|---|
{sensors}

## Figures

{figures["protocol"]}, {figures["images"]} images of `{task.config.data.name}`; seed \
{task.config.seed}, one run. {task.note}.

{_results(task, figures["results"])}

{"".join(f"- {line}{chr(10)}" for line in _lines(task, figures))}
    python -m recipes.{task.name}.preset --check={name}

evaluates it again.

    python -m recipes.{task.name}.train --config={name}/{METADATA} --workdir=FOLDER

trains one like it. All settings and the SHA-256 of each file are in `{METADATA}`.
"""


def _results(task, results):
    """The table of the outputs, with the calibration error where there is one."""
    columns = dict(task.columns(results))
    if all("ECE" in values for values in results.values()):
        columns["ECE"] = (100, 1)
    rows = [f"| output | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for key, values in results.items():
        cells = (
            f"{factor * values[metric]:.{digits}f}" if metric in values else "-"
            for metric, (factor, digits) in columns.items()
        )
        rows.append(f"| {key} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _lines(task, figures):
    """What else is known, a sentence each: seeds, subsets, cost."""
    factor, digits = task.columns(figures["results"])[task.main_metric]

    def shown(value):
        return f"{factor * value:.{digits}f}"

    seeds, subsets, cost = figures["seeds"], figures["subsets"], figures["cost"]
    if len(seeds) > 1:
        mean, spread = statistics.mean(seeds.values()), statistics.stdev(seeds.values())
        yield (
            f"{len(seeds)} runs (seeds {', '.join(map(str, seeds))}): {task.main_metric} of the "
            f"ensemble {shown(mean)} ± {shown(spread)}, mean and standard deviation."
        )
    if subsets:
        worst = (max if task.main_metric in task.lower_is_better else min)(subsets, key=subsets.get)
        names = readable_names(task.config.inputs)
        yield (
            f"Mean over the {len(subsets)} subsets of the sensors (EMM): {task.main_metric} "
            f"{shown(statistics.mean(subsets.values()))}; all, {names}: {shown(subsets[names])}; "
            f"the worst, {worst}: {shown(subsets[worst])}. What is absent is removed."
        )
    macs = f"{cost['macs'] / 1e9:.3g} GMACs, " if cost["macs"] else ""
    yield (
        f"An image of {cost['size'][0]}x{cost['size'][1]}: {macs}{cost['milliseconds']:.0f} ms on "
        f"{cost['device']}, the median of {cost['repetitions']}."
    )


def _words(converter):
    known = {
        key: value
        for key, value in converter.get_config().items()
        if key in ("encoding", "scale", "mean", "std", "maximum", "invalid", "validity")
        and value is not None
        and value is not False  # and 0 is a value: that of holes
    }
    return ", ".join(f"{key} {value}" for key, value in known.items())
