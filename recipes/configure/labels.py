"""Classes and void of masks, by the values that they hold."""

import dataclasses

import numpy as np

VOID = 255
_MOST_CLASSES = 64  # below which gaps are classes that are not seen, as of 40 in few images
_DENSE = 0.4  # share of the values up to the greatest that must occur for these to be class indices


@dataclasses.dataclass
class Labels:
    """How masks are to be read.

    Args:
        num_classes: Number of classes.
        label_values: Stored values of the classes, empty for 0, 1, ...
        void_values: Stored values that mean void, beside 255.
        doubts: What is a guess.
        rarest: Share of the rarest class that occurs among the pixels that are not void.
    """

    num_classes: int
    label_values: tuple = ()
    void_values: tuple = ()
    doubts: list = dataclasses.field(default_factory=list)
    rarest: float = 1.0


def labels_of(counts, void_is_0=False):
    """Guesses classes and void.

    Args:
        counts: Pixels of each value, `(256,)`.
        void_is_0: Whether the pixels that are 0 lie as unlabelled ones do.

    Returns:
        `Labels`; `num_classes` is 0 where there is nothing to learn.
    """
    found = _guess(counts, void_is_0)
    stored = found.label_values or range(found.num_classes)
    pixels = np.array([counts[value] for value in stored if counts[value]])
    if len(pixels):
        found.rarest = float(pixels.min() / pixels.sum())
    return found


def _guess(counts, void_is_0):
    values = np.flatnonzero(counts)
    classes = [int(v) for v in values if v != VOID]
    if not classes:
        return Labels(0)
    if classes == [0] and counts[VOID]:
        return Labels(2, (0, VOID), doubts=["the masks hold 0 and 255: 255 is taken for class 1"])
    if classes[0] == 1 and len(classes) >= _DENSE * classes[-1]:
        found = Labels(classes[-1], tuple(range(1, classes[-1] + 1)), ())
        found.doubts.append("no mask holds 0: the labels are taken to start at 1, 0 to be void")
        found.void_values = (0,)
        return found
    if void_is_0 and len(classes) > 2:
        found = Labels(classes[-1], tuple(range(1, classes[-1] + 1)), (0,))
        found.doubts.append("0 is taken for void: it lies along the borders of the other classes")
        return found
    if len(classes) >= _DENSE * (classes[-1] + 1) or classes[-1] < _MOST_CLASSES:
        found = Labels(max(2, classes[-1] + 1))
        if len(classes) <= classes[-1]:
            missing = sorted(set(range(classes[-1] + 1)) - set(classes))
            found.doubts.append(f"classes that no mask holds: {missing}")
        return found
    return Labels(
        len(classes),
        tuple(classes),
        doubts=[f"the masks hold {classes}: these are taken for the classes 0, 1, ..."],
    )
