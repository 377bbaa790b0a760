"""Means over the cells, and the table.

| name | mean over | |
|---|---|---|
| EMM | the 2^M - 1 subsets of the M sensors, the full one among them | absent ones are removed |
| EMM, expected | the same, each sensor absent with probability 0.1 by itself, some there | |
| RMM | the 2^M - 1 sets of damaged sensors, which lose half of their pixels, in patches | |
| RMM, expected | these and the undamaged set, each damaged with probability 0.1 by itself | |
| NM | five severities of noise on all sensors at once | |

They are the entire-missing, random-missing and noisy modalities of Liao et al. (2025,
[arXiv 2503.18445](https://arxiv.org/abs/2503.18445)) on DELIVER. Theirs fill what is missing with
zeros; here an absent sensor is removed, and a missing pixel holds what the sensor sends where it
has measured nothing (0, where it has no value for that). The share and size of the missing parts,
the probability and the sizes of the noise are this package's choice: half, a twelfth of the height,
0.1, and 0.2 to 2 standard deviations of the signal.
"""

import math

from recipes.segmentation.faults.cells import CLEAN, FAULT, NOISE, PARTS, SUBSET

PROBABILITY = 0.1


def summarize(cells, found, metric):
    """The means of a metric.

    Args:
        cells: List of `Cell`.
        found: `{key: {metric: value}}`.
        metric: Name of the metric; a larger one is better.

    Returns:
        `{name: value}`; worst cells as pairs of name and value.
    """
    values = {cell: found[cell.key][metric] for cell in cells}
    clean = next(value for cell, value in values.items() if cell.group == CLEAN)
    of = {
        group: {cell: value for cell, value in values.items() if cell.group == group}
        for group in (SUBSET, PARTS, NOISE, FAULT)
    }
    count = len(cells[0].present)
    there = {
        cell: value for cell, value in values.items() if cell.group in (CLEAN, SUBSET)
    }  # the clean cell is the full set
    result = {
        "clean": clean,
        "EMM": _mean(there.values()),
        "EMM, expected": _expected(there, count, lambda cell: count - len(cell.present)),
        "worst subset": _worst(there),
        "RMM": _mean(of[PARTS].values()),
        "RMM, expected": _expected(
            {cells[0]: clean, **of[PARTS]}, count, lambda cell: len(cell.faults)
        ),
        "NM": _mean(of[NOISE].values()),
    }
    if of[FAULT]:
        result["mean over corruptions"] = _mean(of[FAULT].values())
        result["worst corruption"] = _worst(of[FAULT])
    return result


def _mean(values):
    return math.fsum(values) / len(values)


def _expected(values, count, failures):
    """Mean of cells in which some of `count` sensors have failed, each with `PROBABILITY`."""
    weights = {
        cell: PROBABILITY ** failures(cell) * (1 - PROBABILITY) ** (count - failures(cell))
        for cell in values
    }
    total = math.fsum(weights.values())
    return math.fsum(weights[cell] * value for cell, value in values.items()) / total


def _worst(values):
    cell = min(values, key=lambda cell: (values[cell], cell.key))
    return ["/".join(map(str, cell.names)) or "all sensors", values[cell]]


def by_severity(cells, found, metric):
    """`{(sensor, corruption): {severity: value}}` of a metric."""
    result = {}
    for cell in cells:
        if cell.group == FAULT:
            sensor, corruption, severity = cell.names
            result.setdefault((sensor, corruption), {})[severity] = found[cell.key][metric]
    return result


def markdown(record, cells, columns):
    """The tables as Markdown.

    Args:
        record: What `robustness.json` holds.
        cells: List of `Cell`.
        columns: `{metric: (factor, digits)}` of the results, the main one among them.
    """
    found, metric = record["cells"], record["metric"]

    def shown(value, name=metric):
        factor, digits = columns[name]
        return f"{factor * value:.{digits}f}"

    lines = [f"# {record['title']}", "", f"{record['protocol']} Values in percent."]
    lines += ["", f"| {metric} | |", "|---|---|"]
    for name, value in record["summary"].items():
        if isinstance(value, list):
            lines.append(f"| {name}: {value[0]} | {shown(value[1])} |")
        else:
            lines.append(f"| {name} | {shown(value)} |")
    heads = {
        SUBSET: "sensors (absent ones are removed, not filled with zeros)",
        PARTS: "half of the pixels missing, in patches, of",
        NOISE: "noise on all sensors, severity",
    }
    for group, head in heads.items():
        rows = [cell for cell in cells if cell.group == group]
        lines += ["", f"| {head} | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
        for cell in (cells[0], *rows):
            name = "/".join(map(str, cell.names)) or (
                " + ".join(cell.present) if group == SUBSET else "none"
            )
            values = " | ".join(shown(found[cell.key][key], key) for key in columns)
            lines.append(f"| {name} | {values} |")
    severities = record["severities"]
    table = by_severity(cells, found, metric)
    if table:
        lines += ["", f"| sensor | corruption | {' | '.join(map(str, severities))} | mean |"]
        lines.append("|---|---|" + "---|" * (len(severities) + 1))
        for (sensor, corruption), values in table.items():
            row = " | ".join(shown(values[severity]) for severity in severities)
            lines.append(f"| {sensor} | {corruption} | {row} | {shown(_mean(values.values()))} |")
    if record["not_measured"]:
        names = ", ".join(record["not_measured"])
        lines += ["", f"Not measured, as frames are not ordered: {names}."]
    return "\n".join(lines) + "\n"
