"""A slider that wipes between two pictures of an example."""

import pathlib

from recipes.report.tables import escape

SCRIPT = pathlib.Path(__file__).with_name("wipe.js")
MARK = 'class="wipe"'


def wipe(panels):
    """Two lists of pictures and a slider between them; shown by `wipe.js`, which takes the pictures
    from the panels before it.

    Args:
        panels: List of pairs of a name and `{caption: picture}`.

    Returns:
        HTML; nothing unless there are two pictures.
    """
    captions = list(panels[0][1]) if panels else []
    if len(captions) < 2:
        return ""
    last = captions.index("ensemble") if "ensemble" in captions else len(captions) - 1
    examples = _options([name for name, _ in panels], 0)
    return (
        f'<div {MARK} hidden><h3>Compare two pictures</h3><div class="controls">'
        f'<select aria-label="Example">{examples}</select>'
        f'<select aria-label="Picture at the left">{_options(captions, 0)}</select>'
        '<input type="range" min="0" max="100" value="50" aria-label="Where the pictures meet">'
        f'<select aria-label="Picture at the right">{_options(captions, last)}</select></div>'
        '<div class="stage"><img alt="right"><img alt="left"></div></div>'
    )


def _options(words, chosen):
    return "".join(
        f'<option value="{index}"{" selected" if index == chosen else ""}>{escape(word)}</option>'
        for index, word in enumerate(words)
    )


def script(page):
    """The script of a page that has a slider, as an element; nothing for others."""
    return f"<script>{SCRIPT.read_text()}</script>\n" if MARK in page else ""
