"""What is wrong, and what may be, judged from a survey."""

import dataclasses

import numpy as np

from tfds_builders.reading.void import VOID
from tfds_builders.validate.depth_units import likely_unit, unit_name, verdict

LEVELS = ("error", "warning", "note")
_SHOWN = 5


@dataclasses.dataclass
class Finding:
    """One kind of fault.

    Args:
        is_error: Whether training on the data would fail or mislead; otherwise it is a warning.
        message: What it is and what to do.
        items: Where it was found.
        name: A stable name of the fault.
        level: `error`, `warning` or `note`; by `is_error` if left out.
    """

    is_error: bool
    message: str
    items: list = dataclasses.field(default_factory=list)
    name: str = ""
    level: str = ""

    def __post_init__(self):
        self.level = self.level or ("error" if self.is_error else "warning")

    def __str__(self):
        kind = "ERROR" if self.is_error else self.level
        lines = [f"{kind}: {self.name and f'[{self.name}] '}{self.message}"]
        lines += [f"    {item}" for item in self.items[:_SHOWN]]
        if len(self.items) > _SHOWN:
            lines.append(f"    ... and {len(self.items) - _SHOWN} more")
        return "\n".join(lines)


def find_faults(survey):
    """All findings of a survey, errors first."""
    found = [
        *_reading(survey),
        *_sizes(survey),
        *_labels(survey),
        *_classes(survey),
        *_values(survey),
        *_depth(survey),
        *_copies(survey),
    ]
    return sorted(found, key=lambda finding: not finding.is_error)


def _reading(survey):
    source = survey.source
    if source.faults:
        yield Finding(True, "splits that cannot be read:", source.faults)
    if survey.faults:
        yield Finding(True, f"{len(survey.faults)} unreadable images:", survey.faults)
    if not source.faults and not sum(survey.examples.values()):
        yield Finding(True, "there is no example.")
    for name, column in survey.columns.items():
        if len(column.types) > 1:
            listed = ", ".join(f"{type} ({n} images)" for type, n in column.types.items())
            yield Finding(True, f"all images of {name!r} must have one type. Received: {listed}")


def _sizes(survey):
    if survey.mismatches:
        message = f"{len(survey.mismatches)} examples whose images differ in size"
        if survey.source.may_be_cropped and "label" in survey.columns:
            message += (
                " by more than the 2.5 % that are cropped. If they show the same view in another "
                "resolution, have them resized (--resize, and `resize` of the data set); else crop "
                "the files"
            )
        message += ":"
        yield Finding(True, message, survey.mismatches)
    if survey.cropped:
        message = f"{len(survey.cropped)} examples with images that are centre-cropped to the mask:"
        yield Finding(False, message, survey.cropped)
    if survey.turned:
        message = (
            f"{len(survey.turned)} examples whose images are turned differently as EXIF says (1 is "
            "upright): look at the pictures whether they still match, and save the files upright:"
        )
        yield Finding(False, message, survey.turned)


def _labels(survey):
    classes = survey.source.num_classes
    if survey.wrong_labels:
        total = sum(survey.labels.values())
        starts_at_1 = classes and not total[0] and total[classes]
        hint = "The labels start at 1?" if starts_at_1 else "Check the number of classes."
        message = (
            f"{len(survey.wrong_labels)} masks with labels other than 0..{(classes or 255) - 1} "
            f"and 255 (void). {hint}"
        )
        yield Finding(True, message, survey.wrong_labels)
    if survey.void_masks:
        message = f"{len(survey.void_masks)} masks that are void everywhere:"
        yield Finding(False, message, survey.void_masks)
    for split, counts in survey.labels.items():
        if counts.any() and not counts[:VOID].any():
            # Benchmarks keep the labels of the test split to themselves.
            yield Finding(split != "test", f"split {split!r} is void everywhere.")
    total = sum(survey.labels.values())
    only = np.flatnonzero(total[:VOID]) if survey.labels else []
    if len(only) == 1:
        message = f"all masks hold one class ({only[0]}) only."
        if total[VOID]:
            message = (
                f"all masks hold one class ({only[0]}) and 255 only. 255 is void: write the "
                "foreground as 1 (and the background as 0)."
            )
        yield Finding(True, message)


def _classes(survey):
    classes = survey.source.num_classes
    if classes is not None and classes < 2:
        yield Finding(True, f"there must be at least two classes. Received: {classes}")
    if "label" not in survey.columns or not survey.columns["label"].types:
        return
    if classes is None:
        top = max(int(np.flatnonzero(n[:255]).max(initial=-1)) for n in survey.labels.values())
        message = f"the number of classes is unknown: pass --num_classes ({top + 1} at least)."
        yield Finding(False, message, level="note")
        return
    names = survey.source.class_names or [str(index) for index in range(classes)]
    present = {split: counts[:classes] > 0 for split, counts in survey.labels.items()}
    everywhere = np.any(list(present.values()), axis=0)
    absent = [names[index] for index in np.flatnonzero(~everywhere)]
    if absent:
        yield Finding(False, f"classes without a pixel: {', '.join(absent)}")
    if "train" in present:
        unseen = [names[index] for index in np.flatnonzero(everywhere & ~present["train"])]
        if unseen:
            yield Finding(False, f"classes that the split 'train' lacks: {', '.join(unseen)}")


def _values(survey):
    for name, column in survey.columns.items():
        if column.not_finite and name not in survey.depth:
            message = (
                f"{column.not_finite} pixels of {name!r} are NaN or infinity: say what a hole is "
                "with `invalid` of the modality, or fill them."
            )
            yield Finding(False, message)


def _depth(survey):
    for name in survey.depth:
        column = survey.columns[name]
        quantiles = column.quantiles((0.5,))
        if column.empty:
            yield Finding(False, f"{column.empty} images of {name!r} without a measured pixel.")
        if any(type.startswith("uint8") for type in column.types):
            yield Finding(
                False, f"{name!r} has 8 bits: 256 distances, or the high byte of 16 bits."
            )
        if column.greatest_of_16_bits and not survey.source.invalid.get(name):
            yield Finding(
                False,
                f"{column.greatest_of_16_bits} pixels of {name!r} are 65535, which stands for no "
                "measurement: train with invalid=65535 for this modality.",
            )
        if quantiles is None:
            continue
        if column.divisor and column.divisor % 8 == 0:
            message = (
                f"all values of {name!r} are multiples of {column.divisor}: files of SUN RGB-D "
                "have their bits rotated and must be read as (v >> 3) | (v << 13)."
            )
            yield Finding(False, message)
        unit, likely = survey.source.units_per_metre, likely_unit(quantiles[0])
        if unit and verdict(quantiles[0] / unit) == "implausible":
            advice = f" {unit_name(likely)} would be plausible." if likely else ""
            message = (
                f"the median of {name!r} is {quantiles[0] / unit:.3g} m with the declared unit "
                f"{unit_name(unit)}: implausible.{advice}"
            )
            yield Finding(False, message)
        elif not unit and likely is None:
            message = f"no usual unit makes the median of {name!r}, {quantiles[0]:.4g}, plausible."
            yield Finding(False, message)


def _copies(survey):
    overlaps = [" = ".join(f"{split} {name}" for split, name in group) for group in survey.overlaps]
    if overlaps:
        message = f"{len(overlaps)} pictures that are in more than one split:"
        yield Finding(True, message, overlaps)
    duplicates = [f"{split} {' = '.join(names)}" for split, names in survey.duplicates]
    if duplicates:
        yield Finding(False, f"{len(duplicates)} pictures that a split has twice:", duplicates)
