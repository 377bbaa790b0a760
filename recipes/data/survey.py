"""A look at the data before the first step: classes, values, and what does not fit the config.

What is silently wrong in a data set shows in its values: a foreground written as 255, 16-bit images
under an 8-bit scale, a marker of missing depth taken for a distance. It is said here, with the fix.
"""

import dataclasses

import numpy as np

from recipes.data.checks import VOID
from recipes.data.sources import SubsetSource
from recipes.data.values import encoding_of

SAMPLE = 500
"""Examples of a large split that are looked at, spread evenly over it."""
_MARKER = 65535
_SPAN = 0.5
"""Least range of the network values of 8-bit images."""
_FAR = 60000  # a depth between these two would be none that a sensor gives beside the marker


@dataclasses.dataclass
class Survey:
    """What was seen in some examples of a split.

    Attributes:
        examples: Number of examples that were looked at, and of all.
        labels: Pixels of each class, int64 `(256,)`, or `None` without masks.
        images: `{name: {"dtype", "low", "high", "markers", "near", "holes", "pixels"}}`: least and
            greatest finite value; numbers of values that are 65535, just below it, not finite (NaN
            or Inf), and of all.
        sizes: Distinct `(height, width)` of the first image.
    """

    examples: tuple
    labels: np.ndarray | None
    images: dict
    sizes: list


def survey(source, names):
    """Looks at up to `SAMPLE` examples of a source.

    Args:
        source: `recipes.data.sources.Source`.
        names: Names of the images; `"label"` is the mask.
    """
    count = len(source)
    numbers = np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(int))
    labels = np.zeros(256, "int64") if "label" in names else None
    images = {
        name: {"low": np.inf, "high": -np.inf, "markers": 0, "near": 0, "holes": 0, "pixels": 0}
        for name in names
        if name != "label"
    }
    sizes = set()
    for example in SubsetSource(source, numbers).dataset().as_numpy_iterator():
        if labels is not None:
            values = example["label"]
            labels += np.bincount(values[(values >= 0) & (values < 256)].ravel(), minlength=256)
        for name, seen in images.items():
            _look(example[name], seen)
        sizes.add(example[names[0]].shape[:2])
    return Survey((len(numbers), count), labels, images, sorted(sizes))


def _look(image, seen):
    seen["dtype"] = image.dtype.name
    values = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    seen["holes"] += image.size - values.size
    if values.size:
        seen["low"] = min(seen["low"], float(values.min()))
        seen["high"] = max(seen["high"], float(values.max()))
    if image.dtype == "uint16" and image.shape[-1] == 1:
        seen["markers"] += int((image == _MARKER).sum())
        seen["near"] += int(((image > _FAR) & (image < _MARKER)).sum())
    seen["pixels"] += image.size


def class_table(labels, names):
    """Lines of text with the share of each class among the pixels that are not void."""
    counts, void = labels[: len(names)], labels[VOID]
    valid = max(counts.sum(), 1)
    lines = [
        f"  {index:3d} {name:20} {100 * count / valid:6.2f} %"
        for index, (name, count) in enumerate(zip(names, counts, strict=True))
    ]
    absent = [name for name, count in zip(names, counts, strict=True) if not count]
    lines.append(f"  void: {100 * void / max(labels.sum(), 1):.2f} % of all pixels")
    if absent:
        lines.append(f"  Without a pixel: {', '.join(absent)}")
    return lines


def check_labels(labels, split="train"):
    """Raises `ValueError` where masks cannot be learned from, or nothing be measured on them.

    Args:
        labels: Pixels of each class, `(256,)`, 255 being void.
        split: Name of the split. In the one that is trained on, one class is too few.
    """
    present = np.flatnonzero(labels[:VOID])
    if not len(present):
        other = "" if split == "train" else " Or report on another split: --config.data.report_on."
        raise ValueError(
            f"The masks of the split '{split}' must have a class. Received: void ({VOID}) in every "
            f"pixel. {VOID} is void: write the foreground as 1.{other}"
        )
    if split == "train" and len(present) == 1:
        advice = f" {VOID} is void: write the foreground as 1." if labels[VOID] else ""
        raise ValueError(
            f"The masks of the split '{split}' must have at least two classes. Received: class "
            f"{present[0]} {'and void ' if labels[VOID] else ''}alone.{advice}"
        )


def check_values(images, specs, units_per_metre=None, split="train", nodata=None):
    """Raises `ValueError` where stored values do not fit their specs.

    Args:
        images: `Survey.images`.
        specs: `{name: spec}` of the modalities.
        units_per_metre: Unit of the depth images where the data set says it.
        split: Name of the split. Only training images must not be constant.
        nodata: `{name: value}` that files declare for pixels without data.
    """
    for name, spec in specs.items():
        seen = images[name]
        check_dtype(name, seen["dtype"], spec)
        _check_finite(name, seen, spec, split)
        _check_marker(name, seen, spec, split)
        _check_nodata(name, seen, spec, (nodata or {}).get(name))
        if units_per_metre is not None and spec["channels"] == 1:
            _check_unit(name, spec, units_per_metre)
        if split == "train" and seen["low"] == seen["high"]:
            raise ValueError(
                f"`{name}` must not be constant. Received: {seen['low']:g} in every pixel that was "
                "looked at. Is it the right column?"
            )


def check_dtype(name, dtype, spec):
    """Raises `ValueError` where images of a dtype cannot be what a spec says."""
    if not np.issubdtype(dtype, np.integer):
        return
    high = np.iinfo(dtype).max
    encoding = encoding_of(spec)
    if encoding == "uint8" and high != 255:
        raise ValueError(
            f"`modalities['{name}']['encoding']` must not be 'uint8' for {dtype} images: use "
            f"encoding='scaled' and maximum={high}. Received: encoding='uint8'"
        )
    if encoding == "linear":
        scales = np.ravel(spec.get("scale") if spec.get("scale") is not None else 1.0)
        if high > 255 and np.isclose(scales, 1 / 255, rtol=0.01).any():
            raise ValueError(
                f"`modalities['{name}']['scale']` must fit {dtype} images, whose largest value is "
                f"{high}: 1/{high} for intensities, or the unit of a depth. Received: scale=1/255"
            )
        spread = np.ravel(spec.get("std") if spec.get("std") is not None else 1.0)
        if high == 255 and (scales * high / spread < _SPAN).all():
            raise ValueError(
                f"`modalities['{name}']['scale']` must fit {dtype} images: with it all values are "
                f"at most {scales.max() * high:.3g}. A depth in 16 bits that was saved with 8 has "
                f"lost its values. Received: scale={scales.max():g}"
            )
    invalid = spec.get("invalid")
    limits = np.iinfo(dtype)
    for value in np.ravel([] if invalid is None else invalid):
        if value != int(value) or not limits.min <= value <= limits.max:
            raise ValueError(
                f"`modalities['{name}']['invalid']` must be a value that {dtype} images can hold, "
                f"{limits.min}..{limits.max}. Received: invalid={invalid}"
            )


def _check_finite(name, seen, spec, split):
    if seen["holes"] == seen["pixels"]:
        raise ValueError(
            f"`{name}` must have finite values. Received: NaN or Inf in every pixel that was "
            "looked at. Is it the right column?"
        )
    if seen["holes"] and spec.get("invalid") is None:
        raise ValueError(
            f"`{name}` must be finite, or have `invalid` in its spec, with which NaN and Inf are "
            f"holes: pass --config.modalities.{name}.invalid=0. Received: NaN or Inf in "
            f"{100 * seen['holes'] / seen['pixels']:.2g} % of its values in the split '{split}'"
        )


def _check_marker(name, seen, spec, split):
    invalid = spec.get("invalid")
    known = invalid is not None and (np.ravel(invalid) == _MARKER).all()
    marked = seen["markers"] > 1e-4 * seen["pixels"] and not seen["near"]
    if marked and not known and encoding_of(spec) != "scaled":
        raise ValueError(
            f"`modalities['{name}']['invalid']` must be {_MARKER} if that value means 'not "
            f"measured': {100 * seen['markers'] / seen['pixels']:.2g} % of its pixels in the split "
            f"'{split}' have it, and none is between {_FAR} and it. Received: invalid={invalid}. "
            "Where another value means it, too, write both alike."
        )


def _check_nodata(name, seen, spec, nodata):
    """A value outside of those that were seen does no harm."""
    if nodata is None or not seen["low"] <= nodata <= seen["high"]:
        return
    invalid = spec.get("invalid")
    # As the dtype has it: -3.4028235e+38 is written with more or fewer digits.
    if invalid is None or not np.allclose(np.ravel(invalid).astype(float), nodata, rtol=1e-6):
        raise ValueError(
            f"`modalities['{name}']['invalid']` must be {nodata:g}, which its files declare for "
            f"pixels without data: pass --config.modalities.{name}.invalid={nodata!r} (and "
            f"interpolation=nearest). Received: invalid={invalid}"
        )


def _check_unit(name, spec, units_per_metre):
    scale = spec.get("scale")
    if encoding_of(spec) != "linear" or scale is None or "depth" not in name:
        return
    if not np.isclose(float(np.ravel(scale)[0]) * units_per_metre, 1, rtol=0.01):
        raise ValueError(
            f"`modalities['{name}']['scale']` must be 1/{units_per_metre:g}, as the data set has "
            f"{units_per_metre:g} units per metre. Received: scale={scale}"
        )
