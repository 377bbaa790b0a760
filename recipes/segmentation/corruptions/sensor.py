"""What a corruption must know of a sensor, and how its raw values are read and written."""

import dataclasses

import numpy as np

_CHANNELS = {"depth": 1, "rgb": 3}


@dataclasses.dataclass(frozen=True)
class Sensor:
    """A sensor's name, kind, unit and holes.

    Corruptions see float64 values in the unit of their kind:

    | kind | unit |
    |---|---|
    | `"depth"` | metres |
    | `"rgb"` | 0 is black, 1 is white, encoded as stored (about the square root of the light) |
    | `"generic"` | standard deviations of the sensor's values |

    Args:
        name: Name of the modality; sensors of one kind have random numbers of their own.
        kind: One of the above, or of your own, whose unit is that of `"generic"`.
        scale: How many raw values make one unit: a number, or one for each channel. `None` for
            `"generic"`: half the way from the tenth to the ninetieth percentile of each image.
        invalid: Raw value of a hole, a number or one for each channel; `None` for a sensor without.
            Values that are not finite are holes, too.

    Raises:
        ValueError: If there is no scale for a depth or an RGB sensor, or it is not positive.
    """

    name: str
    kind: str = "generic"
    scale: float | tuple | None = None
    invalid: float | tuple | None = None

    def __post_init__(self):
        if self.scale is None and self.kind in ("depth", "rgb"):
            what = {"depth": "units of a metre", "rgb": "raw value of white"}[self.kind]
            raise ValueError(
                f"`scale` must be the {what} for a sensor of kind '{self.kind}'. Received: "
                f"scale=None of '{self.name}'; give it, or treat it as generic: "
                f"--kinds={self.name}=generic"
            )
        if self.scale is not None and not (np.asarray(self.scale) > 0).all():
            raise ValueError(f"`scale` must be positive. Received: scale={self.scale}")

    def read(self, image):
        """Values and holes of a raw image.

        Args:
            image: `(height, width, channels)` of any numeric dtype.

        Returns:
            float64 `(height, width, channels)` in the unit, 0 in holes; bool `(height, width)`; and
            the scale that `write` takes.

        Raises:
            ValueError: If the image has not the axes and channels of its kind.
        """
        expected = _CHANNELS.get(self.kind)
        if image.ndim != 3 or (expected and image.shape[-1] != expected):
            shape = f"(height, width, {expected or 'channels'})"
            raise ValueError(
                f"Images of '{self.name}' must be {shape}, as its kind is '{self.kind}'. "
                f"Received: shape={image.shape}"
            )
        values = np.asarray(image, "float64")
        hole = ~np.isfinite(values).all(-1)
        if self.invalid is not None:
            hole |= (image == np.asarray(self.invalid, image.dtype)).all(-1)
        scale = _spread(values[~hole]) if self.scale is None else np.asarray(self.scale, "float64")
        return np.where(hole[..., None], 0.0, values / scale), hole, scale

    def write(self, values, hole, scale, image, clean):
        """The raw image of corrupted values.

        What did not change keeps its bytes, other values are rounded and clipped to what the dtype
        (and white) allows, and none is that of a hole by accident.

        Args:
            values, hole: What the corruption has made.
            scale: As `read` gave it.
            image: The clean raw image, whose dtype the result has.
            clean: Pair of the clean values and holes.
        """
        low, high = _limits(image.dtype)
        top = {"rgb": 1.0}.get(self.kind, np.inf)
        bottom = {"rgb": 0.0, "depth": 0.0}.get(self.kind, -np.inf)
        raw = np.clip(np.clip(values, bottom, top) * scale, low, high)
        integer = np.issubdtype(image.dtype, np.integer)
        raw = (np.rint(raw) if integer else raw).astype(image.dtype)
        same = ((values == clean[0]) & ~hole[..., None]) | (hole & clean[1])[..., None]
        raw = np.where(same, image, raw)
        marker = np.zeros((), image.dtype)
        if self.invalid is not None:
            marker = np.broadcast_to(np.asarray(self.invalid, image.dtype), image.shape[-1:])
            by_chance = (raw == marker).all(-1) & ~hole
            raw[by_chance, 0] = _next(marker[0], high)
        return np.where((hole & ~clean[1])[..., None], marker, raw)


def _spread(values):
    """Half the way between two percentiles, so that it does not depend on an order of summing."""
    if not values.size:
        return np.float64(1)
    ranks = [round(share * (values.size - 1)) for share in (0.1, 0.9)]
    low, high = np.partition(values, ranks, axis=None)[ranks]
    return np.float64((high - low) / 2) if high > low else np.float64(1)


def _limits(dtype):
    limits = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.finfo(dtype)
    return float(limits.min), float(limits.max)


def _next(value, high):
    """The nearest other value of the same dtype, the larger one where there is one."""
    if np.issubdtype(value.dtype, np.integer):
        return value + 1 if value < high else value - 1
    return np.nextafter(value, np.array(np.inf, value.dtype))
