"""One self-contained HTML page about one training run."""

import os

from recipes.plots import encode_image, image_tag, learning_curves, read_log
from recipes.report_exchange import exchange_section
from recipes.report_tables import class_table, config_list, escape, legend_list, results_table

STYLE = """
:root { --ink: #1d2733; --soft: #5b6773; --line: #dfe4ea; --accent: #2f6db3; }
* { box-sizing: border-box; }
body { margin: 2.5rem auto; padding: 0 1.5rem; max-width: 1120px; color: var(--ink);
  background: #fff; font: 15px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .8rem; padding-bottom: .3rem;
  border-bottom: 2px solid var(--line); }
p { margin: .5rem 0 .9rem; max-width: 80ch; }
img { max-width: 100%; }
code, pre, .config dd, .exchange tbody th { font-family: ui-monospace, Menlo, Consolas,
  "DejaVu Sans Mono", monospace; }
pre { background: #f5f7f9; border-radius: 6px; padding: .7rem .9rem; font-size: .82rem;
  white-space: pre-wrap; }
pre span { display: inline-block; max-width: 100%; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: .9rem; }
.config { columns: 2 400px; column-gap: 2rem; margin: 1rem 0 0; font-size: .8rem; }
.config div { display: flex; gap: .6rem; justify-content: space-between; padding: .1rem 0;
  border-bottom: 1px solid #eef1f4; break-inside: avoid; }
.config dt { color: var(--soft); }
.config dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 600; font-size: .85rem; border-bottom-width: 2px; }
tbody th { font-weight: 500; }
tbody tr { break-inside: avoid; }
.side-by-side { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr));
  gap: 0 2.5rem; align-items: start; }
.classes { font-size: .87rem; width: 100%; max-width: 640px; table-layout: fixed; }
.classes th, .classes td { padding: .16rem .5rem; }
.classes th:first-child { width: 34%; overflow-wrap: anywhere; }
td.bar { background: linear-gradient(to right, #dfeaf6 var(--share), transparent 0) padding-box;
  border-right: 8px solid #fff; }
.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .5em; border-radius: 2px;
  vertical-align: -.05em; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: .4rem 0 1rem; padding: 0;
  list-style: none; font-size: .82rem; }
.panel { margin: 0 0 1.2rem; break-inside: avoid; }
.panel > div { display: grid; gap: 6px; }
.panel figure { margin: 0; min-width: 0; }
.panel img { display: block; width: 100%; border: 1px solid var(--line);
  image-rendering: pixelated; }
.panel figcaption { font-size: .78rem; color: var(--soft); overflow-wrap: anywhere; }
.panel h3 { font-size: .85rem; font-weight: 600; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.exchange { font-size: .82rem; }
.exchange th, .exchange td { padding: .15rem .8rem; white-space: nowrap; }
.exchange tbody th { font-size: .78rem; white-space: normal; overflow-wrap: anywhere; }
.histogram { width: 116px; height: 34px; vertical-align: middle; background: #f5f7f9; }
.histogram .above { fill: #7fa6cf; } .histogram .below { fill: #d9822b; }
.histogram line { stroke: #a33; stroke-width: 1; }
.rate { display: inline-block; min-width: 4.6em; padding: 0 .4em; margin-left: .4em;
  border-radius: 4px; }
.rate.none { background: #fff0c9; } .rate.all { background: #fbd5d5; }
.warning { max-width: none; padding: .7rem 1rem; border: 1px solid #d9822b; border-left-width: 6px;
  border-radius: 4px; background: #fff6e6; }
.warning strong { color: #a8500a; margin-right: .5em; }
@media print { * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html { font-size: 12px; } body { margin: 0; padding: 0; font-size: 12px; }
  h2, h3 { break-after: avoid; } .exchange th, .exchange td { padding: .15rem .3rem; }
  .histogram { width: 84px; } .side-by-side { grid-template-columns: 1fr 1fr; gap: 0 1rem; } }
"""


def write_report(
    path,
    *,
    title,
    command=None,
    config=None,
    results=None,
    protocol=None,
    percent=True,
    lower_is_better=(),
    class_iou=None,
    class_names=None,
    curves=None,
    examples=None,
    legend=None,
    exchange=None,
    modalities=None,
):
    """Writes `report.html`: no other file, no script and no network is needed to read it.

    A section whose data are `None` is left out.

    Args:
        path: file to write.
        title: the page's heading.
        command: the command line that made the run.
        config: nested `dict` or `ConfigDict` of settings.
        results: `dict` from branch (`"rgb"`, ..., `"ensemble"`) to a `dict` from metric to value.
        protocol: how the results were measured, for example `"Single-scale, test split, 654
            images"`; required with `results`, as a number without it cannot be compared.
        percent: if `True`, the values in `results` are fractions and shown in percent.
        lower_is_better: metrics in `results` whose best value is the lowest.
        class_iou: `dict` from branch to an array `(num_classes,)` in 0..1, NaN for an absent class.
        class_names: names of the classes, required with `class_iou`.
        curves: path of a `keras.callbacks.CSVLogger` file.
        examples: list of `{"name": id, "images": {caption: uint8 (height, width, 3)}}`.
        legend: `dict` from class name to colour `(red, green, blue)`.
        exchange: list of `dict`s, one for each exchange layer, see `exchange_section`.
        modalities: names of the modalities, required with `exchange`.
    """
    for name, value, needed_by, given in (
        ("protocol", protocol, "results", results),
        ("class_names", class_names, "class_iou", class_iou),
        ("modalities", modalities, "exchange", exchange),
    ):
        if given is not None and value is None:
            raise ValueError(f"`{name}` must be given with `{needed_by}`. Received: {name}=None")
    body = [f"<h1>{escape(title)}</h1>"]
    if command is not None:
        # Break between arguments, not after the hyphens of an option.
        words = " ".join(f"<span>{escape(word)}</span>" for word in command.split())
        body.append(f"<pre>{words}</pre>")
    if results:
        unit = " Values in percent." if percent else ""
        body.append(f'<h2>Results</h2><p class="note">{escape(protocol).rstrip(".")}.{unit}</p>')
        body.append(results_table(results, percent, lower_is_better))
    if examples:
        body.append(f"<h2>Examples</h2>{legend_list(legend) if legend else ''}")
        body.extend(_panel(example) for example in examples)
    if class_iou:
        body.append('<h2>IoU by class</h2><p class="note">In percent; &ndash; without pixels.</p>')
        body.append(class_table(class_iou, class_names, legend))
    if curves is not None:
        png = learning_curves(read_log(curves))
        if png is not None:
            body.append(f"<h2>Learning curves</h2>{image_tag(png, 'Learning curves')}")
    if exchange:
        body.append(f"<h2>Channel exchange</h2>{exchange_section(exchange, modalities)}")
    if config is not None:
        body.append(f"<h2>Configuration</h2>{config_list(config)}")
    _write(path, title, "\n".join(body))


def _panel(example):
    figures = "".join(
        f"<figure>{image_tag(encode_image(image), caption)}"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, image in example["images"].items()
    )
    columns = f"grid-template-columns: repeat({len(example['images'])}, minmax(0, 270px))"
    title = f"<h3>{escape(example['name'])}</h3>"
    return f'<div class="panel">{title}<div style="{columns}">{figures}</div></div>'


def _write(path, title, body):
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
    temporary = f"{os.fspath(path)}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(page)
    os.replace(temporary, path)
