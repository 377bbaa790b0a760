"""The section of a report that shows exchange: places of the channels, and maps over the input."""

import numpy as np

from recipes.report.exchange import percentage
from recipes.report.maps import color_bar, heat_map
from recipes.report.plots import encode_image, image_tag
from recipes.report.sites import look_at_sites
from recipes.report.tables import escape, swatch

TAKEN, OWN = (217, 130, 43), (223, 229, 236)
"""Colours of channels from other sensors, and of a sensor's own."""
ROWS, MAPS = 24, 6
"""Layers of which the channels are shown, and maps: of more, as many at equal distances."""

_IN_A_ROW = 4  # maps, but for more sensors


def look_at_example(task, model, source, count):
    """Exchange in the first example of the report that has all sensors, or else in the first.

    Args:
        task: `recipes.task.Task`.
        model: The model that was evaluated.
        source: Images of a split.
        count: Number of examples in the report.

    Returns:
        Number of the example and the `Site`s; `(0, [])` without exchange or examples.
    """
    examples = [task.inputs_of(model, source, n) for n in range(min(count, len(source)))]
    complete = (n for n, inputs in enumerate(examples) if np.all(inputs.get("present", True)))
    number = next(complete, 0)
    return number, look_at_sites(model, examples[number]) if examples else []


def exchanged_section(sites, modalities, name, backgrounds):
    """Which channels each sensor has from the others at each layer, and where they act.

    Args:
        sites: List of `recipes.report.sites.Site`.
        modalities: Names of the modalities.
        name: Name of the example.
        backgrounds: uint8 `(height, width, 3)` of it, by modality.

    Returns:
        HTML; nothing without exchange.
    """
    if not any(np.nansum(site.share) for site in sites):
        return ""
    return _places(_some(sites, ROWS), len(sites), modalities) + _maps(
        _some(sites, MAPS), modalities, name, backgrounds
    )


def _some(sites, count):
    places = np.linspace(0, len(sites) - 1, min(count, len(sites))).round().astype(int)
    return [sites[place] for place in places]


def _places(sites, number, modalities):
    """A row for each layer: the channels as a strip for each modality."""
    head = "".join(f"<th>{escape(name)}</th>" for name in modalities)
    rows = "".join(
        f"<tr><th>{escape(site.name)}</th>"
        + "".join(_strip(site, row, name) for row, name in enumerate(modalities))
        + "</tr>"
        for site in sites
    )
    left_out = f" {len(sites)} of {number} layers are shown." if len(sites) < number else ""
    return (
        '<p class="note">Each strip is the channels of a layer, from the first to the last. '
        f"{swatch(TAKEN)} given up, taken from the other sensors; {swatch(OWN)} the sensor's "
        f"own.{left_out}</p>"
        '<div class="wide"><table class="places"><thead><tr><th>Layer</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _strip(site, row, name):
    share = site.share[row]
    if np.isnan(share):
        return "<td>absent</td>"
    rate = percentage(float(share))
    if site.taken is None:
        return f"<td>{rate} of the tokens</td>"
    taken = site.taken[row]
    image = np.where(taken[None, :, None], TAKEN, OWN).astype("uint8")
    alt = f"{site.name}, {name}: {taken.sum()} of {len(taken)} channels from other sensors"
    return (
        f"<td>{image_tag(encode_image(image, taken.size), alt)}"
        f"<span>{taken.sum()} of {len(taken)} &middot; {rate}</span></td>"
    )


def _maps(sites, modalities, name, backgrounds):
    """A row for each layer: how much of the activation at each pixel is from other sensors."""
    high = max(float(np.nanmax(np.nan_to_num(site.acting))) for site in sites)
    if not high:
        return ""
    figures = "".join(
        _figure(site, row, modality, backgrounds[modality], high)
        for site in sites
        for row, modality in enumerate(modalities)
    )
    in_a_row = max(_IN_A_ROW // len(modalities), 1) * len(modalities)
    columns = f"grid-template-columns: repeat({in_a_row}, minmax(0, 270px))"
    bar = image_tag(encode_image(color_bar(), 256), "colours from low to high")
    return (
        f'<div class="panel maps"><h3>Where it acts: {escape(name)}</h3>'
        '<p class="note">How much of the absolute activation at a pixel is of what came from the '
        f'other sensors: 0 % <span class="color-bar">{bar}</span> {percentage(high)}</p>'
        f'<div style="{columns}">{figures}</div></div>'
    )


def _figure(site, row, modality, background, high):
    acting = site.acting[row]
    caption = f"{modality}, {site.name}: "
    caption += (
        "absent" if np.isnan(acting).all() else f"{percentage(float(acting.mean()))} on average"
    )
    picture = encode_image(heat_map(acting, background, high))
    return (
        f"<figure>{image_tag(picture, caption)}<figcaption>{escape(caption)}</figcaption></figure>"
    )
