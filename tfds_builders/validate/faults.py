"""Faults that show in the pixels, each with a stable name."""

from tfds_builders.validate.alignment import Alignment
from tfds_builders.validate.depth_faults import depth_findings, likely_units
from tfds_builders.validate.depth_nature import DepthNature
from tfds_builders.validate.findings import LEVELS, Finding
from tfds_builders.validate.leaks import leak_findings
from tfds_builders.validate.mask_faults import Masks
from tfds_builders.validate.sensor_faults import Sensors


class Faults:
    """Looks at examples one after the other, then says what is wrong with the whole.

    Args:
        columns: Names of the sensors; the mask is `label`.
        depth: Columns that hold depth.
        units: Values to a metre in the depth images, None if unknown.
        num_classes: Number of classes, None if unknown.
    """

    def __init__(self, columns, depth=(), units=None, num_classes=None):
        self.columns, self.depth, self.units = tuple(columns), tuple(depth), units
        self.alignment = Alignment(self.columns, self.depth)
        self.natures = {column: DepthNature() for column in self.depth}
        self.masks = Masks(num_classes) if "label" in self.columns else None
        self.sensors = Sensors([c for c in self.columns if c != "label"], self.depth)
        self.splits = []

    def add(self, example):
        """Adds an `Example`."""
        before = len(self.alignment.names)
        self.alignment.add(example)
        if len(self.alignment.names) > before:
            self.splits.append(example.split)
        for column, nature in self.natures.items():
            if column in example.images:
                nature.add(example.images[column])
        if self.masks is not None:
            self.masks.add(example)
        self.sensors.add(example)

    def findings(self):
        """List of `Finding`s, errors first."""
        found, spoilt = [], set()
        for column, nature in self.natures.items():
            of_depth = list(depth_findings(column, nature, self.units))
            spoilt |= {column for finding in of_depth if finding.is_error}
            found += of_depth
        found += self._misfits()
        if self.masks is not None:
            found += self.masks.findings()
        found += self.sensors.findings(spoilt)
        found += leak_findings(self.alignment, self.splits)
        return sorted(found, key=lambda finding: LEVELS.index(finding.level))

    def unit_of(self, column):
        """Likely values to a metre of a column of depth."""
        return likely_units(self.natures[column])[0]

    def unit_words(self, column):
        """What speaks for the unit."""
        return likely_units(self.natures[column])[1]

    def _misfits(self):
        misfits, silent = self.alignment.misfits()
        for name in ("wrong_pairing", "misregistered", "mirrored"):
            of_name = [m for m in misfits if m.name == name]
            if not of_name:
                continue
            column = _culprit(of_name, self.columns)
            about = [m for m in of_name if column in m.columns]
            best = max(about, key=lambda m: m.strength)
            other = next(c for c in best.columns if c != column)
            what = best.what
            if name == "wrong_pairing":
                lag = what if best.columns[0] == other else -what
                text = (
                    f"the files of `{column}` are shifted by {lag} against `{other}`: example i "
                    f"goes with file i {'+' if lag >= 0 else '-'} {abs(lag)}. Was a file added, "
                    "or lost? Pair them by their names"
                )
            elif name == "misregistered":
                down, right = what if best.columns[0] == other else tuple(-w for w in what)
                text = (
                    f"`{column}` is out of place against `{other}` by {down} pixels down and "
                    f"{right} to the right, in the data set as a whole: register the sensors, or "
                    "shift the images back"
                )
            else:
                turned = "turned by" if what.startswith("180") else "mirrored,"
                text = f"`{column}` is {turned} {what}, against `{other}`: turn the images back"
            names = [f"{n}" for n in self.alignment.names[:3]]
            yield Finding(True, text, names, name=name)
        if silent and not misfits:
            listed = ", ".join(f"{a} and {b}" for a, b in silent)
            text = f"whether these show one view could not be told from their edges: {listed}"
            yield Finding(False, text, name="alignment_unsure", level="note")


def _culprit(misfits, columns):
    """The sensor that most misfits are about; of two, the one that is not colour or mask."""
    counts = {c: sum(c in m.columns for m in misfits) for c in columns}
    return max(columns, key=lambda c: (counts[c], c not in ("rgb", "label"), c != "rgb"))
