"""Pictures of a report, as HTML elements that need no other file."""

import base64
import csv
import html
import io
import math

import numpy as np
from matplotlib.figure import Figure  # without pyplot: no display, no global list of figures
from PIL import Image

INK = "#1d2733"
COLORS = ("#2f6db3", "#d9822b", "#3a9a5b", "#a24fb5", "#c23b3b", "#7a6a53", "#4aa5b8")
_FEW_COLORS = 256


def image_tag(data, alt):
    """An `<img>` that carries its bytes, PNG or JPEG."""
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "png"
    text = base64.b64encode(data).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/{kind};base64,{text}">'


def encode_image(image, longest=400):
    """Bytes of a uint8 `(height, width, 3)` picture, thinned out to `longest` pixels a side.

    What has few colours, as label maps have, is PNG and exact; a photograph is JPEG and small.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            "`image` must be uint8 (height, width, 3). "
            f"Received: {image.dtype.name} {image.shape}; colour label maps and depth before"
        )
    picture = Image.fromarray(np.ascontiguousarray(thin_out(image, longest)))
    buffer = io.BytesIO()
    if picture.getcolors(_FEW_COLORS) is not None:
        picture.save(buffer, "PNG", optimize=True)
    else:
        picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def thin_out(image, longest):
    """Every n-th pixel of a picture, as an average would invent colours between two classes."""
    step = math.ceil(max(image.shape) / longest)
    return image[::step, ::step]


def read_log(path):
    """Reads a log of `keras.callbacks.CSVLogger`.

    Returns:
        `dict` from column to float array `(epochs,)`; what is no number ("NA") is NaN.
    """
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    columns = rows[0].keys() if rows else ()
    return {column: np.array([_number(row[column]) for row in rows]) for column in columns}


_GROUPS = {
    "Loss": "loss",
    "Mean IoU (%)": "iou",
    "Mean absolute error": "mae",
    "Channels exchanged (%)": "exchange_rate",
    "Tokens exchanged (%)": "token_exchange_rate",
}


def learning_curves(log):
    """PNG bytes of the curves of a log: losses, mean IoUs, mean absolute errors, exchange rates.

    A branch has the same colour in all plots and the total loss is black; training is dashed.
    Losses of very different size share a logarithmic axis.

    Args:
        log: see `read_log`.

    Returns:
        PNG bytes, or `None` without any curve.
    """
    groups = {title: {} for title in _GROUPS}
    for key, values in log.items():
        titles = [title for title, ending in _GROUPS.items() if key.endswith(ending)]
        if titles:
            groups[titles[-1]][key] = values
    groups = [(title, group) for title, group in groups.items() if group]
    if not groups:
        return None
    keys = [key for _, group in reversed(groups) for key in group]
    branches = dict.fromkeys(_branch(key) for key in keys if _branch(key) != "total")
    colors = {name: COLORS[index % len(COLORS)] for index, name in enumerate(branches)}
    figure = Figure(figsize=(5.2 * len(groups), 3.3), layout="constrained")
    for axes, (title, group) in zip(
        figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True
    ):
        _draw_group(axes, title, group, {**colors, "total": INK}, 100 if "%" in title else 1)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _draw_group(axes, title, group, colors, factor):
    for key, values in group.items():
        branch, validation = _branch(key), key.startswith("val_")
        epochs = np.flatnonzero(np.isfinite(values))
        if not len(epochs):
            continue
        axes.plot(
            epochs + 1,
            factor * values[epochs],
            color=colors[branch],
            linestyle="-" if validation else (0, (4, 2)),
            linewidth=1.6 if validation else 1.1,
            marker="o" if len(epochs) == 1 else None,
            label=f"{branch}, {'validation' if validation else 'training'}",
        )
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel("Epoch", fontsize=9)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(labelsize=8)
    axes.grid(True, color="#e4e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    values = np.concatenate([line.get_ydata() for line in axes.lines] or [[]])
    if len(values) and values.min() > 0 and values.max() > 100 * values.min():
        axes.set_yscale("log")
    if axes.lines:
        axes.legend(fontsize=7.5, frameon=False, ncols=1 if len(group) < 7 else 2)


def _branch(column):
    """`"val_rgb_mean_iou"` -> `"rgb"`, `"loss"` -> `"total"`."""
    name = column.removeprefix("val_")
    for suffix in ("loss", "mean_iou", "iou", "mae", "token_exchange_rate", "exchange_rate"):
        name = name.removesuffix(suffix)
    return name.strip("_") or "total"


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan


def histogram_svg(values, edges, limit, width=116, height=34):
    """A small histogram as inline SVG; bars below `limit` have a colour of their own.

    Args:
        values: array of any shape.
        edges: increasing array of bin edges; values outside count in the outermost bins.
        limit: one of the edges; a vertical line is drawn there.
        width: in pixels.
        height: in pixels.
    """
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    bar = width / len(counts)
    highest = max(counts.max(), 1)
    parts = []
    for index, count in enumerate(counts):
        if count:
            # The square root keeps a bin with few channels visible.
            size = max(1.0, math.sqrt(count / highest) * (height - 3))
            kind = "below" if edges[index + 1] <= limit * (1 + 1e-9) else "above"
            parts.append(
                f'<rect class="{kind}" x="{index * bar:.1f}" y="{height - size:.1f}" '
                f'width="{bar - 0.6:.1f}" height="{size:.1f}"/>'
            )
    line = int(np.argmin(np.abs(np.asarray(edges) - limit))) * bar
    parts.append(f'<line x1="{line:.1f}" x2="{line:.1f}" y1="0" y2="{height}"/>')
    return f'<svg class="histogram" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
