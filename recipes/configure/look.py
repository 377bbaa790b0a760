"""What there is in a folder: layout, values, classes, faults."""

import dataclasses

import numpy as np

from recipes.configure.labels import labels_of
from recipes.configure.moments import Moments
from tfds_builders.layout import discover
from tfds_builders.multimodal_folder.sizes import within_margin
from tfds_builders.reading import declared_nodata, path_inside
from tfds_builders.validate.contact_sheet import ContactSheet
from tfds_builders.validate.faults import Faults
from tfds_builders.validate.findings import find_faults
from tfds_builders.validate.folder_source import FolderSource
from tfds_builders.validate.survey import Survey

_ASPECT = 0.03  # by which the shapes of two images of one view may differ


@dataclasses.dataclass
class Seen:
    """Everything that a config is written of.

    Args:
        layout: `tfds_builders.layout.Layout`.
        moments: `{column: Moments}` of all but the mask.
        labels: `Labels`, None without masks.
        sizes: `{column: [(height, width)]}`, the most frequent first.
        resize: Columns to resize to the mask.
        units: `{column: values to a metre}` of depth.
        nodata: `{column: value}` that files declare.
        findings: What is wrong.
        doubts: What is not sure.
        sheet: `ContactSheet`.
    """

    layout: object
    moments: dict
    labels: object
    sizes: dict
    resize: tuple
    units: dict
    nodata: dict
    findings: list
    doubts: list
    sheet: object

    def text(self):
        """What was found, as lines for a person."""
        splits = ", ".join(f"{len(rows)} {name}" for name, rows in self.layout.splits.items())
        lines = [f"{self.layout.root}: {splits}"]
        for column in self.layout.columns:
            words = [self.layout.kinds[column]]
            if column in self.moments:
                seen = self.moments[column]
                words.append(f"{'/'.join(sorted(seen.dtypes))} x {max(seen.channels, default=0)}")
            elif self.labels:
                words.append(f"{self.labels.num_classes} classes")
            if column in self.units:
                words.append(f"1/{self.units[column]:g} m")
            sizes = self.sizes[column]
            words += [f"{h}x{w}" for h, w in sizes[:2]] + ["..."] * (len(sizes) > 2)
            lines.append(f"  {column:14} {', '.join(words)}")
        lines += ["", "Not sure:" if self.doubts else "Nothing is unsure."]
        lines += [f"  - {doubt}" for doubt in self.doubts]
        if self.findings:
            lines += ["", *map(str, self.findings)]
        return "\n".join(lines)


def look(folder, most=400, units=None):
    """Looks at a folder.

    Args:
        folder: The folder.
        most: Number of examples to look at, spread evenly over each split.
        units: Values to a metre in its depth images, where known.

    Returns:
        `Seen`.

    Raises:
        ValueError: If there is nothing to learn from in it.
    """
    layout = discover(folder)
    total = sum(map(len, layout.splits.values()))
    rows = {
        split: [of[i] for i in _evenly(len(of), max(2, round(most * len(of) / total)))]
        for split, of in layout.splits.items()
    }
    doubts = list(layout.doubts)
    looked = sum(map(len, rows.values()))
    if looked < total:
        doubts.append(f"what the {total - looked} examples hold that were not looked at")
    source = FolderSource(layout.root, columns=layout.columns, rows=rows)
    source.units_per_metre = units
    sheet = ContactSheet(layout.columns, None)
    depth = [c for c in layout.columns if layout.kinds[c] == "depth"]
    survey = Survey(source, depth, sheet)
    faults = Faults(layout.columns, depth, units)
    moments = {column: Moments() for column in layout.columns if column != "label"}
    for example in source:
        survey.add(example)
        faults.add(example)
        for column, image in example.images.items():
            if column != "label":
                moments[column].add(image)
    unread = [c for c in moments if not moments[c].dtypes]
    if unread:
        raise ValueError(f"no image of {unread} could be read: {survey.faults[0]}")
    judged = faults.findings()
    labels = None
    if "label" in layout.columns:
        counts = sum(survey.labels.values())
        labels = labels_of(counts, any(f.name == "void_is_0" for f in judged))
        doubts += labels.doubts
        source.num_classes = None
        sheet.num_classes = max(
            labels.num_classes, int(np.flatnonzero(counts[:255]).max(initial=0)) + 1
        )
    found_units = {c: units or faults.unit_of(c) for c in depth}
    doubts += [f"the unit of `{c}`: {faults.unit_words(c)}" for c in depth if not units]
    sizes = {c: [size for size, _ in survey.columns[c].sizes.most_common()] for c in layout.columns}
    for column, seen in moments.items():
        if seen.images_with_black and seen.dtypes == {"uint8"} and max(seen.channels) >= 3:
            doubts.append(
                f'whether black means "no data" in `{column}`: {seen.images_with_black} images '
                'have more than 1 % of pixels at 0; if so, add "invalid": 0'
            )
    resize = _to_resize(sizes, doubts)
    nodata = _nodata(layout)
    findings = [f for f in find_faults(survey) if _is_news(f)]
    if rows.get("validation") == rows["train"]:  # there are too few examples to split
        overlaps = "in more than one split"
        findings = [f for f in findings if overlaps not in f.message]
    if resize:
        findings = [f for f in findings if "differ in size" not in f.message]
    return Seen(
        layout,
        moments,
        labels,
        sizes,
        resize,
        found_units,
        nodata,
        [*judged, *findings],
        doubts,
        sheet,
    )


def _is_news(finding):
    """Whether a finding is not one that `Labels` or the units have answered."""
    known = ("number of classes is unknown", "one class (0) and 255", "no usual unit")
    return not any(words in finding.message for words in known)


def _evenly(count, wanted):
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(int)) if count else []


def _to_resize(sizes, doubts):
    """Columns of the same view in another resolution than the mask's, or the first column's."""
    reference = "label" if "label" in sizes else next(iter(sizes))
    if not sizes[reference]:
        return ()
    height, width = sizes[reference][0]
    found = []
    for column, seen in sizes.items():
        if column == reference or not seen or len(sizes[reference]) > 1:
            continue
        other = seen[0]
        if all(within_margin(size, (height, width)) for size in seen):
            continue
        same = abs(other[1] / other[0] / (width / height) - 1) <= _ASPECT
        doubts.append(
            f"whether `{column}` ({other[0]}x{other[1]}) shows the view of `{reference}` "
            f"({height}x{width}): it is resized{'' if same else ', though of another shape'}"
        )
        found.append(column)
    return tuple(found)


def _nodata(layout):
    row, found = next(iter(layout.splits.values()))[0], {}
    for column, name in row.items():
        name = name.partition("#")[0]
        if name.lower().endswith((".tif", ".tiff")):
            value = declared_nodata(path_inside(layout.root, name).read_bytes())
            if value is not None:
                found[column] = value
    return found
