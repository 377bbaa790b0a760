"""Settings of the documentation site: `make docs`."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

project = "keras_asym"
copyright = "the authors of keras_asym, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "keras_asym"
exclude_patterns = ["_build", "measured/*"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
# Docstrings are written in Markdown, of which `_to_restructured_text` changes what differs.
default_role = "code"
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    ("Input shape", "notes_style"),
    ("Output shape", "notes_style"),
    ("Attributes", "params_style"),
]


def setup(app):
    app.connect("source-read", _without_links_to_sources)
    app.connect("autodoc-process-docstring", _to_restructured_text, priority=100)


def _without_links_to_sources(app, name, source):
    """Links out of `docs/` are for readers of the repository; here their text remains."""
    source[0] = re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", source[0])


def _to_restructured_text(app, what, name, thing, options, lines):
    """Links, tables and lists of a docstring in Markdown."""
    text = re.sub(r"\[([^\[\]]+)\]\((https?://[^)]+)\)", r"`\1 <\2>`__", "\n".join(lines))
    text = re.sub(r"\[([^\[\]]+)\]\(\s*(https?://[^)]+)\)", r"`\1 <\2>`__", text)
    found = []
    for line in text.split("\n"):
        cells = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        if cells.startswith("|") and cells.endswith("|"):
            if set(cells) <= set("|-: "):
                continue
            if not found or not found[-1].startswith((f"{indent}   * -", f"{indent}     -")):
                found += [f"{indent}.. list-table::", f"{indent}   :header-rows: 1", ""]
            parts = [part.strip() for part in re.split(r"(?<!\\)\|", cells[1:-1])]
            marks = ("* -", *("  -",) * (len(parts) - 1))
            found += [f"{indent}   {mark} {part}" for mark, part in zip(marks, parts, strict=True)]
            continue
        before = found[-1].strip() if found else ""
        begins = cells.startswith(("- ", "* ")) and before and not before.startswith(("- ", "* "))
        if begins and not (len(found[-1]) - len(found[-1].lstrip()) > len(indent)):
            found.append("")
        found.append(line)
    lines[:] = found
