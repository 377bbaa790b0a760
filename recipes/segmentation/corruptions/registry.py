"""Corruptions by kind of sensor and name."""

import dataclasses
import typing

import numpy as np

from recipes.segmentation.corruptions.draws import Draws

SEVERITIES = (1, 2, 3, 4, 5)
OF_A_UNIT = ("depth", "rgb")
"""Kinds with a unit of their own, in which generic corruptions would mean something else."""
_KNOWN = {}


@dataclasses.dataclass(frozen=True)
class Corruption:
    """A fault of a sensor.

    Attributes:
        kind: Kind of sensor that has it, see `Sensor`.
        name: Its name.
        function: What `register` was given.
        of_time: Whether the function says which frame is shown in place of one.
        ordered: Whether it means something only where frames follow one another in time.
        summary: First line of the function's docstring.
    """

    kind: str
    name: str
    function: typing.Callable
    of_time: bool
    ordered: bool
    summary: str


def register(kind, name, of_time=False, ordered=False):
    """Makes a function a corruption; a decorator.

    A function of pixels is called as `function(values, hole, severity, draws)`, with float64
    `(height, width, channels)` in the unit of `Sensor`, bool `(height, width)`, 1..5, and a `Draws`
    of this frame, whose `of_sensor` is the same in all frames. It returns new values and holes and
    leaves its arguments as they are. Draws do not depend on the severity: a worse one is the same
    fault, but stronger.

    A function of time is called as `function(index, severity, draws_of)`, with the number of the
    frame and a function from such a number to its `Draws`. It returns the number of the frame that
    the sensor shows instead, which is not above `index`.

    Args:
        kind: `"depth"`, `"rgb"`, `"generic"`, or a kind of your own, which then has this
            corruption and the generic ones.
        name: Its name.
        of_time: Whether it is a function of time.
        ordered: Whether it needs frames that follow one another.

    Raises:
        ValueError: If there is one of that kind and name.

    Example:

    >>> @register("infrared", "lamp_off")
    ... def lamp_off(values, hole, severity, draws):
    ...     return values * (1 - severity / 5), hole
    """
    if "/" in f"{kind}{name}" or not kind or not name:
        raise ValueError(f"`kind` and `name` must be names. Received: kind={kind}, name={name}")

    def add(function):
        if (kind, name) in _KNOWN and _KNOWN[kind, name].function is not function:
            raise ValueError(f"`name` must be new for the kind '{kind}'. Received: name={name!r}")
        summary = (function.__doc__ or "").partition("\n")[0]
        _KNOWN[kind, name] = Corruption(kind, name, function, of_time, ordered, summary)
        return function

    return add


def corruptions_of(kind):
    """The corruptions of a kind of sensor, in the order of their registration.

    A kind of one's own has those that were registered for it, and the generic ones.
    """
    kinds = (kind,) if kind in OF_A_UNIT else (kind, "generic")
    found = {c.name: c for k in reversed(kinds) for c in _KNOWN.values() if c.kind == k}
    return sorted(found.values(), key=lambda c: c.kind != kind)


def find(kind, name):
    """The corruption of a kind of sensor and a name; see `corruptions_of`.

    Raises:
        ValueError: If there is none.
    """
    known = {corruption.name: corruption for corruption in corruptions_of(kind)}
    if name not in known:
        raise ValueError(
            f"`name` must be a corruption of '{kind}' sensors: {', '.join(known)}. "
            f"Received: name={name!r}"
        )
    return known[name]


def corrupt(images, index, sensor, name, severity, seed=0):
    """An image as a faulty sensor gives it.

    Args:
        images: Sequence of the sensor's raw images `(height, width, channels)`, in their order.
        index: Number of the image.
        sensor: `Sensor`.
        name: Name of a corruption of the sensor's kind.
        severity: 1..5.
        seed: Non-negative integer.

    Returns:
        Array of the same dtype. Of a corruption in time it has the shape of an earlier image.

    Raises:
        ValueError: If there is no such corruption or severity, or the image is none of its kind.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"`severity` must be one of {SEVERITIES}. Received: severity={severity!r}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"`seed` must be a non-negative integer. Received: seed={seed!r}")
    corruption = find(sensor.kind, name)
    key = seed, sensor.name, name
    if corruption.of_time:
        shown = corruption.function(index, severity, lambda frame: Draws(*key, frame=frame))
        return images[shown].copy()
    image = images[index]
    values, hole, scale = sensor.read(image)
    new = corruption.function(values.copy(), hole.copy(), severity, Draws(*key, frame=index))
    return sensor.write(*new, scale, image, (values, hole))
