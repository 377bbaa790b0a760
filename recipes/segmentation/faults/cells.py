"""What is measured: the sensors that are there, and their faults."""

import dataclasses

import numpy as np

from recipes.config import nearest
from recipes.data.values import encoding_of, linear_of
from recipes.segmentation.corruptions import SEVERITIES, Sensor, corruptions_of
from recipes.subsets import subsets
from recipes.task import readable_names

CLEAN, SUBSET, PARTS, NOISE, FAULT = "clean", "subset", "parts", "noise", "fault"
NOTHING = "none"


@dataclasses.dataclass(frozen=True)
class Fault:
    """A corruption of one sensor: a `Sensor`, a corruption's name, and 1..5."""

    sensor: Sensor
    corruption: str
    severity: int


@dataclasses.dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        group: `"clean"`, `"subset"`, `"parts"` (RMM), `"noise"` (NM) or `"fault"`.
        present: Names of the sensors that are there.
        faults: Tuple of `Fault`.
        names: What tells the cell from others of its group.
    """

    group: str
    present: tuple
    faults: tuple = ()
    names: tuple = ()

    @property
    def key(self):
        """Its name in the results, such as `"fault/rgb/fog/3"`."""
        return "/".join((self.group, *map(str, self.names)))


def sensor_of(name, spec, dtype, kind=None, units_per_metre=None):
    """The sensor that a modality's spec describes, see `recipes.data.specs`.

    Args:
        name: Name of the modality.
        spec: Its spec.
        dtype: Name of the dtype of its stored images.
        kind: By default `"depth"` where the name has `depth` in it and one channel, `"rgb"` where
            it begins with `rgb` and has three, otherwise `"generic"`.
        units_per_metre: Unit of the data set's depth where it says it.
    """
    channels, linear = spec["channels"], encoding_of(spec) == "linear"
    if kind is None:
        is_depth, is_rgb = channels == 1 and "depth" in name, channels == 3 and name[:3] == "rgb"
        kind = "depth" if is_depth else "rgb" if is_rgb else "generic"
    stated = float(1 / np.ravel(spec["scale"])[0]) if linear and spec.get("scale") else None
    if kind == "depth":
        scale = units_per_metre or stated
    elif kind == "rgb":
        top = float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0
        scale = spec.get("maximum") or stated or top
    else:
        scale = None
        if linear and spec.get("std") is not None:
            unit, _, std = linear_of(spec)
            scale = tuple(float(x) for x in std / unit)
    invalid = spec.get("invalid")
    return Sensor(name, kind, scale, tuple(invalid) if np.ndim(invalid) else invalid)


def sensors_of(task, kinds=None):
    """The sensors of a run by name; `kinds` maps names to kinds that are not the default.

    Raises:
        ValueError: If a name is not one of its inputs.
    """
    kinds = kinds or {}
    unknown = [name for name in kinds if name not in task.config.inputs]
    if unknown:
        raise ValueError(
            f"`--kinds` must be of the run's inputs {tuple(task.config.inputs)}. Received: {kinds}"
        )
    facts = task.facts
    return {
        name: sensor_of(name, spec, facts.dtypes[name], kinds.get(name), facts.units_per_metre)
        for name, spec in task.modalities.items()
    }


def as_generic(task, name):
    """The sensor in its standard deviations, whatever its kind: one noise for all."""
    return sensor_of(name, task.modalities[name], task.facts.dtypes[name], "generic")


def make_cells(task, sensors, corruptions=(), severities=SEVERITIES, ordered=False):
    """All cells in order, and what was left out.

    Args:
        task: The run's task.
        sensors: `{name: Sensor}`.
        corruptions: Names of corruptions, or `SENSOR/NAME`; all by default, none with `("none",)`.
        severities: Which of 1..5.
        ordered: Whether the frames follow one another in time.

    Returns:
        Pair of a list of `Cell`, and a list of `SENSOR/NAME` that need ordered frames.

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    if not severities or any(severity not in SEVERITIES for severity in severities):
        raise ValueError(
            f"`--severities` must be some of {SEVERITIES}. Received: severities={severities}"
        )
    names = tuple(sensors)
    cells = [Cell(CLEAN, names)]
    for subset in subsets(names)[1:]:
        cells.append(Cell(SUBSET, subset, (), (readable_names(subset),)))
    for damaged in subsets(names):
        faults = tuple(Fault(as_generic(task, name), "dropout", 5) for name in damaged)
        cells.append(Cell(PARTS, names, faults, (readable_names(damaged),)))
    for severity in severities:
        faults = tuple(Fault(as_generic(task, name), "noise", severity) for name in names)
        cells.append(Cell(NOISE, names, faults, (severity,)))
    left_out = []
    for sensor, corruption in _chosen(sensors, corruptions):
        if corruption.ordered and not ordered:
            left_out.append(f"{sensor.name}/{corruption.name}")
            continue
        for severity in severities:
            fault = Fault(sensor, corruption.name, severity)
            cells.append(Cell(FAULT, names, (fault,), (sensor.name, corruption.name, severity)))
    return cells, left_out


def _chosen(sensors, wanted):
    """Pairs of a sensor and a corruption that were asked for."""
    pairs = [(s, corruption) for s in sensors.values() for corruption in corruptions_of(s.kind)]
    if not wanted:
        return pairs
    if tuple(wanted) == (NOTHING,):
        return []
    known = {name for s, c in pairs for name in (c.name, f"{s.name}/{c.name}")}
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"`--corruptions` must be names of corruptions of {tuple(sensors)}, '{NOTHING}', "
                f"or empty for all. Received: {name!r}{nearest(name, sorted(known))}"
            )
    return [(s, c) for s, c in pairs if c.name in wanted or f"{s.name}/{c.name}" in wanted]
