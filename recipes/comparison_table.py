"""The table of a comparison: what variants reach over their seeds, cost, and differ by."""

import math
import statistics

NOTHING = "\N{EN DASH}"
COSTS = {
    "M parameters": ("trainable_parameters", 1e6),
    "GMACs": ("macs", 1e9),
    "ms": ("milliseconds", 1),
}


def table(task, records, baseline=None):
    """Means over the seeds, as Markdown, with a text that says what the columns are.

    Args:
        task: `recipes.task.Task`, which says which metrics are shown and how.
        records: `{variant: {seed: what results.json holds}}`. A variant without any run has a row
            without figures.
        baseline: Variant to whose ensemble the main metric is compared, seed by seed; `None` for
            no such column.

    Raises:
        ValueError: If there is no run at all, or `baseline` is none of the variants.
    """
    runs = [run for by_seed in records.values() for run in by_seed.values()]
    if not runs:
        raise ValueError(f"There must be a finished run. Received: none of {list(records)}")
    if baseline is not None and baseline not in records:
        raise ValueError(
            f"`baseline` must be one of the variants {list(records)}. Received: "
            f"baseline={baseline!r}"
        )
    metrics = {}
    for run in runs:
        metrics.update(task.columns(run["results"]))
    against = f"{task.main_metric} - {baseline}" if baseline else None
    head = ["network", *metrics, *([against] if against else []), *COSTS, "runs"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---|" * (len(head) - 1)]
    for variant, by_seed in records.items():
        for label, output in rows(task, variant, by_seed):
            cells = [
                _mean(_values(by_seed, output, name, factor).values(), digits)
                for name, (factor, digits) in metrics.items()
            ]
            if against:
                cells.append(_difference(task, metrics, records, (variant, output), baseline))
            cells += [*_costs(by_seed), str(len(by_seed))]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_legend(task, records, baseline, against)])


def rows(task, variant, by_seed):
    """Pairs of a row's label and the output that it is of.

    With one branch the ensemble is the branch; networks that merge have no branches.
    """
    results = next(iter(by_seed.values()))["results"] if by_seed else {"ensemble": {}}
    branches = [output for output in results if output != "ensemble"]
    if variant in task.config.inputs:
        return [(f"{variant} alone", "ensemble")]
    if not branches:
        return [(variant, "ensemble")]
    outputs = branches if len(branches) == 1 else list(results)
    return [(f"{variant}: {output}", output) for output in outputs]


def _values(by_seed, output, name, factor):
    """A metric of an output in the table's unit, of the seeds that have it."""
    found = {seed: run["results"].get(output, {}).get(name) for seed, run in by_seed.items()}
    return {seed: factor * value for seed, value in found.items() if value is not None}


def _mean(values, digits):
    values = list(values)
    if not values:
        return NOTHING
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def _difference(task, metrics, records, row, baseline):
    """Mean and standard error of the differences over the seeds that both have."""
    variant, output = row
    if row == (baseline, "ensemble"):
        return "baseline"
    factor, digits = metrics[task.main_metric]
    mine = _values(records[variant], output, task.main_metric, factor)
    theirs = _values(records[baseline], "ensemble", task.main_metric, factor)
    pairs = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
    if not pairs:
        return NOTHING
    text = f"{statistics.mean(pairs):+.{digits}f}"
    if len(pairs) > 1:
        error = statistics.stdev(pairs) / math.sqrt(len(pairs))
        text += f" ± {error:.{digits}f}"
    return text if len(pairs) == len(mine) else f"{text} ({len(pairs)} of {len(mine)})"


def _costs(by_seed):
    """The cells of the columns `COSTS`; the time is the median over the seeds."""
    found = [run["cost"] for run in by_seed.values() if run.get("cost")]
    cells = []
    for key, unit in COSTS.values():
        values = [cost.get(key) for cost in found]
        values = [value / unit for value in values if value is not None]
        cells.append(_short(statistics.median(values)) if values else NOTHING)
    return cells


def _short(value):
    """Three digits."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"


def _distinct(words):
    return " / ".join(dict.fromkeys(words))


def _legend(task, records, baseline, against):
    runs = [run for by_seed in records.values() for run in by_seed.values()]
    spread = any(len(by_seed) > 1 for by_seed in records.values())
    mean = "mean ± standard deviation over the runs; " if spread else ""
    protocol = _distinct(run["protocol"] for run in runs)
    images = _distinct(str(run["images"]) for run in runs)
    lines = [f"{task.note}; {mean}{protocol}; {images} images."]
    if against:
        lines.append(
            f"`{against}` is the difference to the ensemble of {baseline}, seed by seed: mean ± "
            "standard error over the seeds that both have, and how many where some lack."
        )
    costs = [run["cost"] for run in runs if run.get("cost")]
    if costs:
        sizes = _distinct("x".join(map(str, cost["size"])) for cost in costs)
        devices = _distinct(cost["device"] for cost in costs)
        lines.append(
            "`M parameters`: millions of trainable ones. `GMACs`: 10^9 multiply-accumulates of one "
            f"image of {sizes}. `ms`: time to predict it, the median of several, on {devices}. All "
            "three are of the whole network, whichever output the row is of. "
            f"{NOTHING}: not measured."
        )
    lines.append("`runs`: the number of seeds behind the row.")
    return lines
