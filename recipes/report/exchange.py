"""The section of a report on exchange layers: is any channel exchanged, and where."""

import numpy as np

from keras_asym.keras_internals import sublayers
from keras_asym.layers import ChannelExchange
from recipes.report.plots import histogram_svg
from recipes.report.tables import escape, warning_box

BY_GAMMA = "channels left of the line (the threshold) are replaced by the other modalities'."
BY_RANK = "the smallest of each modality's own share are replaced, as many as the target rate says."
BY_ANOTHER_RULE = "the fusion strategy, and not gamma, says how many channels are replaced."
_BINS_PER_DECADE = 5
_SMALLEST_THRESHOLD = 1e-3  # where the axis begins two decades below, if no threshold is above 0


def check_exchange(layers, modalities):
    """Raises `ValueError` where the data of the exchange section do not fit together."""
    for layer in layers:
        gamma, rate = np.shape(layer["gamma"]), np.shape(layer["rate"])
        count = len(modalities)
        if len(gamma) != 2 or gamma[0] != count or rate != (count,):
            raise ValueError(
                f"`exchange` of layer '{layer['name']}' must have gamma ({count}, channels) and "
                f"rate ({count},) for the modalities {list(modalities)}. "
                f"Received: gamma {gamma}, rate {rate}"
            )


def exchange_section(layers, modalities):
    """A row for each exchange layer: histogram of |gamma| and exchange rate of each modality.

    Args:
        layers: list of `dict`s with `"name"`, `"gamma"` `(modalities, channels)`, `"threshold"` and
            `"rate"` `(modalities,)`, the share of a modality's channels that are replaced, in 0..1;
            and `"rule"`, what decides which, `"gamma"` by default.
        modalities: names of the modalities.
    """
    check_exchange(layers, modalities)
    edges = _edges(layers)
    rates = np.array([layer["rate"] for layer in layers])
    low, high = f"{edges[0]:.0e}", f"{edges[-1]:.3g}"
    mean = ", ".join(
        f"{escape(name)} {percentage(rate)}"
        for name, rate in zip(modalities, rates.mean(0), strict=True)
    )
    head = "".join(f"<th>{escape(name)}</th>" for name in modalities)
    rows = "".join(_row(layer, edges) for layer in layers)
    by_gamma = all(layer.get("rule", "gamma") == "gamma" and layer["threshold"] for layer in layers)
    by_rank = all(layer.get("rule") == "rank" for layer in layers)
    rule = BY_GAMMA if by_gamma else BY_RANK if by_rank else BY_ANOTHER_RULE
    return (
        f"{warning(rates) if by_gamma else ''}"
        f"<p>Mean exchange rate over {len(layers)} layers: {mean}. Each histogram shows |gamma| "
        f"on a logarithmic axis from {low} to {high}, bar heights by square root; "
        f"{rule}</p>"
        '<table class="exchange"><thead><tr><th>Layer</th><th>Channels</th><th>Threshold</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def warning(rates):
    """A visible box if all rates are 0 or all are 1, otherwise nothing."""
    if (rates == 0).all():
        text = (
            "No channel is exchanged: gammas never fell below the threshold. Raise l1 or train "
            "longer; until then the modalities are fused by the ensemble alone."
        )
    elif (rates == 1).all():
        text = (
            "Every channel is exchanged: all gammas fell below the threshold. Lower l1 or the "
            "threshold; each branch now sees the other modalities only."
        )
    else:
        return ""
    return warning_box(text)


def percentage(rate):
    """Percent with one decimal; 0 % and 100 % only where they are exact."""
    if rate in (0, 1):
        return f"{100 * rate:.0f} %"
    if rate < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if rate > 0.999 else f"{100 * rate:.1f} %"


def _row(layer, edges):
    threshold = f"{layer['threshold']:g}" if layer["threshold"] else "&ndash;"
    gamma = np.abs(np.asarray(layer["gamma"], "float64"))
    cells = []
    for values, rate in zip(gamma, layer["rate"], strict=True):
        kind = {0: " none", 1: " all"}.get(float(rate), "")
        # Edges are the same for all layers, but a layer's own threshold is made one of them.
        own, limit = edges.copy(), layer["threshold"] or edges[0]
        own[int(np.argmin(np.abs(np.log(edges / limit))))] = limit
        cells.append(
            f"<td>{histogram_svg(values, own, limit)}"
            f'<span class="rate{kind}">{percentage(float(rate))}</span></td>'
        )
    return (
        f"<tr><th>{escape(layer['name'])}</th><td>{gamma.shape[1]}</td>"
        f"<td>{threshold}</td>{''.join(cells)}</tr>"
    )


def _edges(layers):
    """Logarithmic bin edges: two decades below the smallest threshold up to the largest |gamma|."""
    thresholds = [layer["threshold"] for layer in layers if layer["threshold"]]
    thresholds = thresholds or [_SMALLEST_THRESHOLD]
    low = np.log10(min(thresholds)) - 2
    high = max(np.abs(layer["gamma"]).max() for layer in layers)
    high = max(np.log10(max(high, 1e-12)), np.log10(max(thresholds)) + 0.5)
    bins = int(np.ceil((high - low) * _BINS_PER_DECADE))
    return 10.0 ** (low + np.arange(bins + 1) / _BINS_PER_DECADE)


def exchange_layers(model):
    """Gamma, threshold and exchange rate of every exchange layer, as the report takes them."""
    return [
        {
            "name": layer.layer.name,
            "gamma": np.array(layer.layer.gamma),
            "threshold": layer.threshold if layer.rule == "gamma" else 0.0,
            "rate": np.array(layer.exchange_rate()),
            "rule": layer.rule,
        }
        for layer in sublayers(model.network)
        if isinstance(layer, ChannelExchange)
    ]
