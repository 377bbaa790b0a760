"""Tables of a report: configuration, results by branch, IoU by class."""

import html
import math
from collections.abc import Mapping

import numpy as np


def escape(value):
    """HTML text of any value."""
    return html.escape(str(value))


def config_list(config):
    """The settings of a nested config as `a.b = value`, in columns."""
    rows = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>"
        for key, value in _flatten(config)
    )
    return f'<dl class="config">{rows}</dl>'


def results_table(results, percent=True, lower_is_better=()):
    """Branches as rows, metrics as columns, the best of each column bold.

    Args:
        results: `dict` from branch to a `dict` from metric to its value.
        percent: if `True`, values are fractions and shown in percent.
        lower_is_better: metrics whose best value is the lowest.
    """
    metrics = list(dict.fromkeys(metric for values in results.values() for metric in values))
    best = {}
    for metric in metrics:
        column = [values.get(metric, math.nan) for values in results.values()]
        best[metric] = _best(column, metric in lower_is_better)
    head = "".join(f"<th>{escape(metric)}</th>" for metric in metrics)
    rows = "".join(
        f"<tr><th>{escape(branch)}</th>"
        + "".join(_cell(values.get(metric, math.nan), best[metric], percent) for metric in metrics)
        + "</tr>"
        for branch, values in results.items()
    )
    table = f'<table class="results"><thead><tr><th>Branch</th>{head}</tr></thead>'
    return f"{table}<tbody>{rows}</tbody></table>"


def class_table(class_iou, class_names, legend=None, rows_per_table=20):
    """Classes as rows, branches as columns, the best of each row bold; long lists side by side.

    Args:
        class_iou: `dict` from branch to the classes' IoU `(num_classes,)`, NaN where there is none.
        class_names: `num_classes` names.
        legend: optional `dict` from class name to colour.
        rows_per_table: a longer list is split.
    """
    for branch, values in class_iou.items():
        if len(values) != len(class_names):
            raise ValueError(
                f"`class_iou['{branch}']` must have one value for each of the {len(class_names)} "
                f"`class_names`. Received: {len(values)} values"
            )
    head = "".join(f"<th>{escape(branch)}</th>" for branch in class_iou)
    rows = []
    for index, name in enumerate(class_names):
        values = [float(iou[index]) for iou in class_iou.values()]
        cells = "".join(_cell(value, _best(values, False), True, bar=True) for value in values)
        rows.append(f"<tr><th>{swatch((legend or {}).get(name))}{escape(name)}</th>{cells}</tr>")
    tables = math.ceil(len(rows) / rows_per_table)
    length = math.ceil(len(rows) / tables)
    parts = [rows[start : start + length] for start in range(0, len(rows), length)]
    return '<div class="side-by-side">{}</div>'.format(
        "".join(
            f'<table class="classes"><thead><tr><th>Class</th>{head}</tr></thead>'
            f"<tbody>{''.join(part)}</tbody></table>"
            for part in parts
        )
    )


def confusion_table(matrix, names):
    """A confusion matrix with the share of each true class in percent, darker where larger.

    What is right, the diagonal, has a frame; a class without pixels has no number.

    Args:
        matrix: integer array `(classes, classes)`, a row for each true class.
        names: names of the classes.
    """
    count = len(names)
    if matrix.shape != (count, count):
        raise ValueError(
            f"`matrix` must be {(count, count)} for the {count} `names`. "
            f"Received: shape {matrix.shape}"
        )
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(
            f'<td style="--share:{100 * x:.0f}%" title="{escape(name)} as {escape(other)}"'
            f"{_kind(column == index, x)}>{f'{100 * x:.0f}' if x >= 0.005 else ''}</td>"
            for column, (other, x) in enumerate(zip(names, row, strict=True))
        )
        + "</tr>"
        for index, (name, row) in enumerate(zip(names, share, strict=True))
    )
    return (
        f'<div class="wide"><table class="confusion"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _kind(right, share):
    kinds = ["right"] * right + ["dark"] * bool(share > 0.6)
    return f' class="{" ".join(kinds)}"' if kinds else ""


def legend_list(legend):
    """Colours and what they mean, in a line that wraps."""
    return '<ul class="legend">{}</ul>'.format(
        "".join(f"<li>{swatch(color)}{escape(name)}</li>" for name, color in legend.items())
    )


def warning_box(text):
    """A visible box with a text, or nothing for an empty one."""
    return f'<p class="warning"><strong>WARNING</strong> {escape(text)}</p>' if text else ""


def swatch(color):
    """A small square of the colour `(red, green, blue)`; nothing for `None`."""
    if color is None:
        return ""
    red, green, blue = (int(value) for value in color)
    return f'<span class="swatch" style="background:rgb({red},{green},{blue})"></span>'


def _best(values, lowest):
    """The best finite value as shown, `None` if there is nothing to compare."""
    finite = [value for value in values if value is not None and np.isfinite(value)]
    if len(values) < 2 or not finite:
        return None
    return min(finite) if lowest else max(finite)


def _cell(value, best, percent, bar=False):
    if value is None or not np.isfinite(value):
        return "<td>&ndash;</td>"
    text = f"{100 * value:.1f}" if percent else f"{value:.4g}"
    style = ""
    if bar:
        share = f"{100 * min(max(value, 0), 1):.1f}%"
        style = f' style="--share:{share}" class="bar"'
    return f"<td{style}>{f'<b>{text}</b>' if value == best else text}</td>"


def _flatten(config, prefix=""):
    for key, value in config.items():
        if isinstance(value, Mapping) or hasattr(value, "items"):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
