"""One self-contained HTML page about one training run."""

import math
import pathlib

from keras_asym.files import write_atomically
from recipes.report.ensemble import ensemble_warning
from recipes.report.exchange import exchange_layers, exchange_section
from recipes.report.exchanged import exchanged_section
from recipes.report.plots import encode_image, image_tag, learning_curves, read_log
from recipes.report.tables import config_list, escape, results_table, warning_box
from recipes.report.wipe import script, wipe

STYLE = pathlib.Path(__file__).with_name("page.css")
KEPT = ".section.html"
_IN_A_ROW = 6
CONFIGURATION = "<h2>Configuration</h2>"


def write_page(path, title, sections, command=None):
    """Writes a page that needs no other file and no network to be read.

    Args:
        path: File to write.
        title: The page's heading.
        sections: Pairs of a heading and the HTML below it; those without HTML are left out.
        command: The command line that made the run.
    """
    body = [f"<h1>{escape(title)}</h1>"]
    if command is not None:
        # Break between arguments, not after the hyphens of an option.
        words = " ".join(f"<span>{escape(word)}</span>" for word in command.split())
        body.append(f"<pre>{words}</pre>")
    body += [f"<h2>{escape(heading)}</h2>{html}" for heading, html in sections if html]
    lines = "\n".join(body)
    for kept in sorted(pathlib.Path(path).parent.glob(f"*{KEPT}")):
        lines = _with_section(lines, kept.read_text())
    write_atomically(
        path,
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE.read_text()}</style>\n</head>\n"
        f"<body>\n{lines}\n{script(lines)}</body>\n</html>\n",
    )


def put_section(folder, name, heading, html):
    """Adds a section to the report of a run, or takes the place of the one of this name.

    It is kept beside the report, and comes back when that is written anew.

    Args:
        folder: Folder of the run.
        name: Name of the section; a word.
        heading: Its heading.
        html: What stands below it.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = f"{begin}<h2>{escape(heading)}</h2>{html}{end}"
    write_atomically(folder / f"{name}{KEPT}", text)
    report = folder / "report.html"
    if report.is_file():
        page = report.read_text()
        if begin in page:
            before, _, rest = page.partition(begin)
            page = before + rest.partition(end)[2]
        write_atomically(report, _with_section(page, text))


def _with_section(page, text):
    """A page with one section more, before its configuration."""
    place = CONFIGURATION if CONFIGURATION in page else "</body>"
    before, place, rest = page.partition(place)
    return f"{before}{text}{place}{rest}"


def run_sections(task, found, model, panels, log, exchange=(0, [])):
    """The sections of a run's report.

    Args:
        task: `recipes.task.Task`.
        found: `recipes.task.Evaluation`.
        model: The model that was evaluated.
        panels: Result of `task.pictures`.
        log: Path of the run's `log.csv`.
        exchange: Result of `recipes.report.exchanged.look_at_example`.
    """
    unit = " Values in percent." if task.percent else ""
    protocol = f"{found.protocol}, {found.images} images{'.' if unit else ''}{unit}"
    layers = exchange_layers(model)
    text = ensemble_warning(task, found.results)
    columns = task.columns(found.results)
    table = {
        key: {name: values[name] for name in columns if name in values}
        for key, values in found.results.items()
    }
    return [
        (
            "Results",
            f'<p class="note">{escape(protocol[0].upper() + protocol[1:])}</p>'
            + results_table(table, task.percent, task.lower_is_better)
            + warning_box(text),
        ),
        ("Examples", _examples(task, panels) if panels else ""),
        *task.sections(found),
        ("Learning curves", curves(log)),
        ("Channel exchange", exchange_section(layers, model.modality_names) if layers else ""),
        ("Exchange in pictures", _exchanged(model, panels, *exchange)),
        ("Configuration", config_list(task.config)),
    ]


def _examples(task, panels):
    return f"<div>{task.legend()}{''.join(map(panel, panels))}{wipe(panels)}</div>"


def _exchanged(model, panels, number, sites):
    """Exchange in one of the examples."""
    if not sites:
        return ""
    name, images = panels[number]
    inputs = {key: images[f"input: {key}"] for key in model.modality_names}
    return exchanged_section(sites, model.modality_names, name, inputs)


def panel(example):
    """Rows of pictures: `(name, {caption: uint8 (height, width, 3)})`, as long as each other."""
    name, images = example
    figures = "".join(
        f"<figure>{image_tag(encode_image(image), caption)}"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, image in images.items()
    )
    rows = math.ceil(len(images) / _IN_A_ROW)
    columns = f"grid-template-columns: repeat({math.ceil(len(images) / rows)}, minmax(0, 270px))"
    return f'<div class="panel"><h3>{escape(name)}</h3><div style="{columns}">{figures}</div></div>'


def curves(log):
    """The learning curves of a log, or nothing without any."""
    png = learning_curves(read_log(log)) if log.is_file() else None
    return image_tag(png, "Learning curves") if png is not None else ""
