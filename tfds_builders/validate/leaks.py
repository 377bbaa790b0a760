"""Examples of one split that are nearly those of another."""

import numpy as np

from tfds_builders.validate.findings import Finding

_SAME = 0.9  # correlation of the edges of two images of one scene
_MOST_SHOWN = 50


def leak_findings(alignment, splits):
    """Findings about near-duplicates across splits.

    Args:
        alignment: `Alignment`, whose summaries are compared: edges, which do not change with
            brightness, contrast and compression.
        splits: Split of each of its examples.
    """
    splits = np.array(splits)
    columns = [column for column in alignment.columns if column != "label"]
    if len(set(splits)) < 2 or not columns:
        return
    alike = None
    for column in columns[:3]:
        unit = alignment.summaries(column)
        scores = unit @ unit.T
        alike = scores if alike is None else np.maximum(alike, scores)
    found = []
    for i in range(len(splits)):
        others = np.flatnonzero((splits != splits[i]) & (np.arange(len(splits)) > i))
        for j in others[alike[i, others] > _SAME]:
            found.append(
                f"{splits[i]} {alignment.names[i]} = {splits[j]} {alignment.names[j]} "
                f"({alike[i, j]:.2f})"
            )
    if found:
        text = (
            f"{len(found)} pairs of examples of different splits are nearly the same picture: what "
            "is measured there was learned by heart. Split by scenes, patients or recordings"
        )
        yield Finding(True, text, found[:_MOST_SHOWN], name="split_leak")
