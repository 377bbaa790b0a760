"""The section of a report on confidence: is it true, and does it tell right from wrong."""

import io

import numpy as np
from matplotlib.figure import Figure

from recipes.report.plots import COLORS, INK, image_tag


def certainty_plots(curves, output="ensemble"):
    """Reliability diagram and risk-coverage curve of an output, raw and calibrated, as HTML.

    Args:
        curves: `{output: {kind: {"diagram": (counts, confidence, accuracy), "risk_coverage":
            (coverage, risk)}}}` of arrays.
        output: Which of the outputs.

    Returns:
        HTML of the two plots; nothing without a pixel.
    """
    kinds = curves.get(output, {})
    if not any(kind["diagram"][0].any() for kind in kinds.values()):
        return ""
    figure = Figure(figsize=(10.4, 3.6), layout="constrained")
    reliability, risk = figure.subplots(1, 2)
    reliability.plot([0, 100], [0, 100], color="#9aa4af", linewidth=0.9, linestyle=(0, (4, 2)))
    for index, (kind, found) in enumerate(kinds.items()):
        color = COLORS[index % len(COLORS)]
        counts, confidence, accuracy = found["diagram"]
        there = counts > 0
        share = counts[there] / counts.sum()
        reliability.plot(
            100 * confidence[there], 100 * accuracy[there], color=color, linewidth=1.2, label=kind
        )
        size = 8 + 160 * np.sqrt(share)  # area: the share of the pixels
        reliability.scatter(100 * confidence[there], 100 * accuracy[there], size, color, alpha=0.5)
        coverage, risks = found["risk_coverage"]
        risk.plot(100 * coverage, 100 * risks, color=color, linewidth=1.6, label=kind)
    _finish(reliability, "Reliability", "Confidence (%)", "Accuracy (%)")
    _finish(risk, "Risk and coverage", "Pixels answered (%)", "Wrong among them (%)")
    reliability.set_xlim(0, 100)
    risk.set_xlim(0, 100)
    risk.set_ylim(bottom=0)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    alt = f"Reliability diagram and risk-coverage curve of the {output}"
    return image_tag(buffer.getvalue(), alt)


def _finish(axes, title, x, y):
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(True, color="#e4e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7.5, frameon=False)
