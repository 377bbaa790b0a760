"""The section of the report: tables, curves by severity, and panels."""

import io

import numpy as np
from matplotlib.figure import Figure

from recipes.data.values import normalize
from recipes.report.page import panel
from recipes.report.plots import COLORS, INK, image_tag
from recipes.report.tables import escape
from recipes.segmentation import evaluation
from recipes.segmentation.colors import colorize, displayable
from recipes.segmentation.faults.cells import FAULT
from recipes.segmentation.faults.faulty import FaultySource
from recipes.segmentation.faults.summary import by_severity

SHOWN = (1, 3, 5)
"""Severities in the panels."""
_LONGEST = 200


def section(record, cells, text, panels):
    """HTML of the section.

    Args:
        record: What `robustness.json` holds.
        cells: List of `Cell`.
        text: The table, as Markdown.
        panels: As `make_panels` gives them.
    """
    png = curves(by_severity(cells, record["cells"], record["metric"]), record)
    image = image_tag(png, "mean IoU by severity") if png else ""
    return tables(text) + image + "".join(map(panel, panels))


def tables(text):
    """The Markdown tables and sentences of `summary.markdown` as HTML."""
    parts, rows = [], []
    for line in [*text.splitlines()[1:], ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if rows:
            parts.append(_table(rows[0], rows[2:]))
            rows = []
        if line:
            parts.append(f'<p class="note">{escape(line)}</p>')
    return "".join(parts)


def _table(head, rows):
    def cells(tag, row):
        return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)

    body = "".join(f"<tr><th>{escape(first)}</th>{cells('td', rest)}</tr>" for first, *rest in rows)
    return (
        '<table style="margin-bottom: 1.4rem"><thead><tr>'
        f"{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"
    )


def curves(values, record):
    """PNG bytes of the main metric by severity, an axis for each sensor; 0 is clean."""
    sensors = list(dict.fromkeys(sensor for sensor, _ in values))
    if not sensors:
        return None
    figure = Figure(figsize=(5.2 * len(sensors), 3.6), layout="constrained")
    clean = record["summary"]["clean"]
    for axes, sensor in zip(
        figure.subplots(1, len(sensors), squeeze=False, sharey=True)[0], sensors, strict=True
    ):
        mine = {name: found for (of, name), found in values.items() if of == sensor}
        for number, (name, found) in enumerate(mine.items()):
            axes.plot(
                [0, *found],
                [100 * clean, *(100 * value for value in found.values())],
                color=COLORS[number % len(COLORS)],
                linestyle="-" if number < len(COLORS) else "--",
                marker="o",
                markersize=3,
                linewidth=1.3,
                label=name.replace("_", " "),
            )
        axes.axhline(100 * clean, color=INK, linewidth=0.8, linestyle=":")
        axes.set_title(f"{sensor}: {record['metric']} (%)", loc="left", fontsize=10)
        axes.set_xlabel("Severity", fontsize=9)
        axes.set_ylim(bottom=0)
        axes.grid(True, color="#e4e7eb", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7.5, frameon=False, ncols=2)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def make_panels(task, network, source, cells, seed):
    """Corrupted inputs and predictions of one example, a row for each corruption.

    The example is the second one, where there are two: the first cannot lag.

    Returns:
        List of pairs of a name and `{caption: uint8 picture}`.
    """
    specs = task.modalities
    predict = evaluation.make_predict(network, specs, task.protocol())
    number = min(1, len(source) - 1)
    chosen = {}
    for cell in cells:
        if cell.group == FAULT and cell.names[2] in SHOWN:
            chosen.setdefault(cell.names[:2], []).append(cell.faults[0])

    def pictures(faults):
        example = FaultySource(source, faults, seed)[number]
        inputs = {name: normalize(example[name], spec) for name, spec in specs.items()}
        inputs |= task.examples.presence(example)
        probabilities = predict({name: x[None] for name, x in inputs.items()})["ensemble"]
        classes = probabilities[0].argmax(-1)
        return example, _thinned(colorize(classes, network.num_classes))

    example, prediction = pictures(())
    clean = {name: _thinned(displayable(example[name], spec)) for name, spec in specs.items()}
    clean["truth"] = _thinned(colorize(example["label"][..., 0], network.num_classes))
    panels = [("clean", {**clean, "prediction": prediction})]
    for (name, corruption), faults in chosen.items():
        images, predictions = {}, {}
        for fault in faults:
            example, prediction = pictures((fault,))
            images[f"severity {fault.severity}"] = _thinned(displayable(example[name], specs[name]))
            predictions[f"prediction, {fault.severity}"] = prediction
        panels.append((f"{name}: {corruption.replace('_', ' ')}", {**images, **predictions}))
    return panels


def _thinned(image):
    step = -(-max(image.shape) // _LONGEST)
    return np.ascontiguousarray(image[::step, ::step])
