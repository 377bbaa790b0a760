"""Guessing the unit of a depth image from its median."""

import math

UNITS = (1, 256, 512, 1000, 5000, 10000)
"""Values to a metre that are met in the wild."""

_INDOORS = (0.5, 8.0)  # of the median, in metres
_OUTDOORS = (3.0, 80.0)
_USUAL = 2.8  # the mean of NYUDv2


def verdict(metres):
    """Whether a median depth in metres is plausible."""
    if _INDOORS[0] <= metres <= _INDOORS[1]:
        return "plausible indoors"
    if _OUTDOORS[0] <= metres <= _OUTDOORS[1]:
        return "plausible outdoors"
    return "implausible"


def likely_unit(median):
    """The unit that brings the median nearest to a room's 2.8 m, None if none makes it plausible.

    Args:
        median: Median of the raw values.
    """
    plausible = [unit for unit in UNITS if verdict(median / unit) != "implausible"]
    if not plausible:
        return None
    return min(plausible, key=lambda unit: abs(math.log(median / unit / _USUAL)))


def unit_name(unit):
    """`1/5000 m` for 5000 values to a metre."""
    return "1 m" if unit == 1 else f"1/{unit:.9g} m"
