"""A survey as tables of text."""

import numpy as np

from tfds_builders.validate.depth_units import UNITS, likely_unit, unit_name, verdict

_SIZES = 3  # that are listed


def text_tables(survey):
    """Splits, columns, depth in metres and classes, one table after the other."""
    parts = [survey.source.title, _splits(survey), _columns(survey)]
    parts += [_depth(survey, name) for name in survey.depth]
    if "label" in survey.columns and any(counts.any() for counts in survey.labels.values()):
        parts.append(_classes(survey))
    return "\n\n".join(part for part in parts if part)


def _table(rows, right):
    """Aligned columns; those whose places are in `right` are aligned to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _splits(survey):
    rows = [("split", "examples", "twice", "in another split")]
    for split in survey.source.splits:
        twice = sum(len(names) - 1 for of, names in survey.duplicates if of == split)
        shared = sum(split in {of for of, _ in group} for group in survey.overlaps)
        rows.append((split, str(survey.examples[split]), str(twice), str(shared)))
    return _table(rows, (1, 2, 3))


def _columns(survey):
    rows = [("column", "type x channels", "height x width", "range", "holes")]
    for name, column in survey.columns.items():
        sizes = [f"{h}x{w}" for (h, w), _ in column.sizes.most_common(_SIZES)]
        if len(column.sizes) > _SIZES:
            sizes.append(f"{len(column.sizes) - _SIZES} more")
        limits = column.range
        limits = "" if limits is None else f"{limits[0]:.6g}..{limits[1]:.6g}"
        holes = f"{100 * column.hole_share:.1f} %" if column.has_holes else ""
        rows.append((name, ", ".join(column.types), ", ".join(sizes), limits, holes))
    return _table(rows, (4,))


def _depth(survey, name):
    quantiles = survey.columns[name].quantiles((0.01, 0.5, 0.99))
    if quantiles is None:
        return f"{name}: no pixel is measured"
    declared, likely = survey.source.units_per_metre, likely_unit(quantiles[1])
    rows = [(f"{name}, in units of", "1 %", "median", "99 %", "")]
    for unit in sorted({*UNITS, declared} - {None}):
        note = verdict(quantiles[1] / unit)
        if unit == declared:
            note += ", declared"
        elif unit == likely and not declared:
            note += ", likely"
        rows.append((unit_name(unit), *(f"{q / unit:.2f} m" for q in quantiles), note))
    return _table(rows, (1, 2, 3))


def _classes(survey):
    """Shares of the pixels that have a class, and of void ones in all, by split."""
    names = survey.source.class_names
    total = sum(survey.labels.values())
    last = int(np.flatnonzero(total[:255]).max(initial=-1))
    classes = range(max(last + 1, survey.source.num_classes or 0))
    splits = list(survey.labels)
    rows = [("label", "class", *splits)]
    for index in classes:
        name = names[index] if names and index < len(names) else ""
        rows.append((str(index), name, *(_share(survey.labels[s], index) for s in splits)))
    void = (f"{100 * n[255] / max(n.sum(), 1):.2f} %" for n in survey.labels.values())
    rows.append(("255", "void, of all pixels", *void))
    return _table(rows, range(2, len(rows[0])))


def _share(counts, index):
    return f"{100 * counts[index] / max(counts[:255].sum(), 1):.2f} %"
