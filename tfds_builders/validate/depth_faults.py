"""Names for what is wrong with depth: its unit, or that it is none."""

import numpy as np

from tfds_builders.validate.findings import Finding

UNITS = {
    1: ("metres", 0.5),
    10: ("tenths_of_a_metre", 0.02),
    100: ("centimetres", 0.1),
    256: ("256ths_of_a_metre", 0.1),
    512: ("512ths_of_a_metre", 0.1),
    1000: ("millimetres", 1.0),
    4000: ("4000ths_of_a_metre", 0.03),
    5000: ("5000ths_of_a_metre", 0.4),
    10000: ("tenths_of_a_millimetre", 0.2),
}
"""Values to a metre that are met, their name in findings, and how usual they are."""

_SCENES = (  # median in metres; its ratio to the 5th percentile, and the 95th's to it; weight
    (2.4, 2.1, 1.9, 0.45, 1.0),  # rooms
    (12.0, 3.0, 4.2, 0.6, 0.15),  # streets
    (0.6, 1.7, 1.7, 0.35, 0.05),  # tables
)
"""The fourth number is the deviation of the median, as a logarithm; `_RATIO` that of the ratios."""
_RATIO = 0.4
_CLEAR = 3.0  # nats between the best and the second unit
_WRONG = 2.2  # nats that the declared unit is worse by
_SAID = {
    "disparity": (
        "depth_is_disparity",
        "holds disparities (large is near): depth = baseline * focal length / disparity",
    ),
    "inverted": (
        "depth_is_inverted",
        "grows towards the camera: it was subtracted from a greatest value, or negated. Undo it",
    ),
    "color_map": (
        "depth_is_color_map",
        "is a picture of depth in 8 bits (a colour map, or grey), which has lost the distances: "
        "export the sensor's own 16-bit values",
    ),
    "hha": (
        "depth_is_hha",
        "is HHA (disparity, height, angle): describe it as a modality of 3 channels with scale "
        "1/255, or take the depth itself",
    ),
    "photo": (
        "depth_is_photo",
        "holds colour pictures, not depth: is it the right column?",
    ),
}


def _scores(nature):
    """Log-likelihood of each unit, by the distances that it gives."""
    quantiles, found = nature.quantiles, {}
    floats = all(dtype.startswith("float") for dtype in nature.dtypes)
    near, middle, far = np.log(np.maximum(quantiles, 1e-6))
    for unit, (_, usual) in UNITS.items():
        fits = []
        for median, below, above, deviation, weight in _SCENES:
            off = (
                (middle - np.log(unit) - np.log(median)) / deviation,
                (middle - near - np.log(below)) / _RATIO,
                (far - middle - np.log(above)) / _RATIO,
            )
            fits.append(np.log(weight) - 0.5 * np.square(off).sum())
        found[unit] = max(fits) + np.log(usual)
        if unit == 1 and not floats:
            found[unit] += np.log(0.1)  # whole metres: hardly any sensor
        if unit != 1 and floats:
            found[unit] += np.log(0.1)
    if nature.divisor in (5, 10) and not floats:
        found[{5: 5000, 10: 10000}[nature.divisor]] += 4.0  # millimetres times 5 or 10
    return found


def likely_units(nature):
    """Likely values to a metre, and in words how sure that is."""
    if nature.quantiles is None or nature.nature() not in ("distance", None):
        return 1000.0, "its values are no distances"
    scores = _scores(nature)
    order = sorted(scores, key=scores.get, reverse=True)
    best, second = order[:2]
    median = nature.quantiles[1]
    words = f"1/{best} m gives a median of {median / best:.2f} m"
    if scores[best] - scores[second] < _CLEAR:
        words += f"; 1/{second} m would give {median / second:.2f} m and is possible, too"
    return float(best), words


def depth_findings(column, nature, units=None):
    """Findings about a column of depth.

    Args:
        column: Its name.
        nature: `DepthNature`.
        units: Values to a metre that were declared, or None.
    """
    kind = nature.nature()
    if kind in _SAID:
        name, words = _SAID[kind]
        yield Finding(True, f"`{column}` {words}.", name=name)
        return
    if nature.quantiles is None:
        return
    scores = _scores(nature)
    best, words = likely_units(nature)
    word = UNITS[best][0]
    if best == 1 and all(dtype.startswith("float") for dtype in nature.dtypes):
        word = "float_metres"
    declared = units and min(UNITS, key=lambda unit: abs(np.log(unit / units)))
    known = declared and abs(np.log(declared / units)) < 0.05
    if known and declared != best and scores[best] - scores[declared] > _WRONG:
        yield Finding(
            True,
            f"`{column}` is declared with {units:g} values to a metre, but looks like "
            f"{word.replace('_', ' ')}: the declared unit gives a median of "
            f"{nature.quantiles[1] / units:.3g} m, {words}.",
            name=f"depth_in_{word}",
        )
    elif not units:
        sure = "possible, too" not in words
        text = f"`{column}` looks like {word.replace('_', ' ')}: {words}."
        name = f"depth_in_{word}" if sure else "depth_unit_unsure"
        yield Finding(False, text, name=name, level="note")
