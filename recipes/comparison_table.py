"""The table of a comparison: what variants reach over their seeds, cost, and differ by."""

import statistics

from recipes.paired_differences import over_images, over_seeds

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
        baseline: Variant to whose ensemble the main metric is compared, seed by seed; by default
            the best input alone, if there is one.

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
    baseline = baseline or best_input_alone(task, records)
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


def best_input_alone(task, records):
    """The variant of one input with the best mean of the main metric; `None` without any."""
    means = {
        name: statistics.mean(_values(records[name], "ensemble", task.main_metric, 1).values())
        for name in task.config.inputs
        if records.get(name)
    }
    best = min if task.main_metric in task.lower_is_better else max
    return best(means, key=means.get) if means else None


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
    """Mean difference to the baseline, with its standard errors over seeds and over images."""
    variant, output = row
    if row == (baseline, "ensemble"):
        return "baseline"
    factor, digits = metrics[task.main_metric]
    mine = _values(records[variant], output, task.main_metric, factor)
    theirs = _values(records[baseline], "ensemble", task.main_metric, factor)
    mean, error, number = over_seeds(mine, theirs)
    if mean is None:
        return NOTHING
    text = f"{mean:+.{digits}f}"
    if error is not None:
        text += f" ± {error:.{digits}f}"
    error = over_images(
        _by_image(records[variant], output),
        _by_image(records[baseline], "ensemble"),
        task.metric_of_sums,
    )
    if error is not None:
        text += f", {factor * error:.{digits}f}"
    return text if number == len(mine) else f"{text} ({number} of {len(mine)})"


def _by_image(by_seed, output):
    """What adds up over images, by seed, of the runs that kept it."""
    found = {seed: run.get("by_image", {}).get(output) for seed, run in by_seed.items()}
    return {seed: parts for seed, parts in found.items() if parts is not None}


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
            "standard error over the seeds that both have, and how many where some lack; after the "
            "comma the standard error for other images of the same kind (bootstrap)."
        )
    machines = [run["machine"] for run in runs if run.get("machine")]
    if machines:
        lines.append(f"Trained on {_distinct(machines)}.")
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
