"""What the raw values of a modality mean."""

from keras_asym.fusion.branches import STEMS
from keras_asym.layers.sensor_converter import LINEAR, check_conversion

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")
KEYS = (
    "channels",
    "encoding",
    *LINEAR,
    "unit",
    "maximum",
    "interpolation",
    "invalid",
    "validity",
    "mirror_channels",
    "stem",
)


def check_specs(specs, argument="modalities"):
    """Raises `ValueError` where a spec cannot be used.

    A spec is a `dict` (or `ConfigDict`) with the keys

    | key | meaning |
    |---|---|
    | `channels` | number of channels of the stored image; required |
    | `encoding` | how raw values become network values, see `SensorConverter`; `"linear"` |
    | `scale` | linear: `value * scale` has the physical unit, 0.001 for mm to m. Default 1 |
    | `unit` | linear, in place of `scale`: `"metres"`, by what the data set says of its depth |
    | `mean`, `std` | linear: in the physical unit, one number or one for each channel |
    | `maximum` | scaled: raw value that becomes 1; larger ones do as well |
    | `interpolation` | for resizing: `"nearest"`, `"bilinear"`, `"bicubic"` |
    | `invalid` | raw value that means "not measured", a number or one for each channel |
    | `validity` | if `True`, a last channel is added: 1 = measured, 0 = hole. Needs `invalid` |
    | `mirror_channels` | network channels to negate in a mirror image: 0 or `(0,)` for normals |
    | `stem` | segmentation: `"repeat"`, `"fresh"` or `"normals"`, see `to_multimodal` |

    Images with `invalid` are resized by `"nearest"`, their default; without it, the default is the
    recipe's.

    Args:
        specs: `dict` from name to spec.
        argument: what the error messages call it.
    """
    if not specs:
        raise ValueError(
            f"`{argument}` must name at least one image, for example "
            f'{{"rgb": {{"channels": 3}}}}. Received: {argument}={specs}'
        )
    for name, spec in specs.items():
        _check_spec(f"{argument}['{name}']", dict(spec))


def with_scale(name, spec, units_per_metre):
    """A spec with the `scale` of its `unit`, if it has one.

    Args:
        name: The image's name.
        spec: Its spec.
        units_per_metre: What the data set says of its depth, or `None`.

    Raises:
        ValueError: If the data set says nothing.
    """
    if spec.get("unit") is None:
        return spec
    if units_per_metre is None:
        raise ValueError(
            f"`modalities['{name}']['unit']` must be None for a data set that does not say how "
            f"many units a metre has: pass --config.modalities.{name}.unit=None and "
            f"--config.modalities.{name}.scale=0.001 for millimetres. Received: "
            f"unit={spec['unit']!r}"
        )
    return {**spec, "unit": None, "scale": 1 / units_per_metre}


def input_channels(spec):
    """Number of channels of the network's input: a validity channel is one more."""
    return spec["channels"] + bool(spec.get("validity"))


def interpolation(spec, default="nearest"):
    """Interpolation of a spec, `default` where it says nothing and has no `invalid`."""
    if spec.get("invalid") is not None:
        default = "nearest"
    return spec.get("interpolation") or default


def mirror_channels(spec):
    """Network channels of a spec to negate in a mirror image, as a tuple."""
    channels = spec.get("mirror_channels")
    if channels is None:
        return ()
    return (channels,) if isinstance(channels, int) else tuple(channels)


def _check_spec(where, spec):
    unknown = sorted(set(spec) - set(KEYS))
    if unknown:
        raise ValueError(f"`{where}` must have keys among {KEYS}. Received: unknown keys {unknown}")
    _check_unit(where, spec)
    check_conversion({**spec, "channels": spec.get("channels")}, where)
    _check_resizing(where, spec)
    channels, stem = spec["channels"], spec.get("stem")
    if stem not in (None, *STEMS):
        raise ValueError(f"`{where}['stem']` must be one of {STEMS}. Received: stem={stem!r}")
    if stem == "normals" and (channels != 1 or spec.get("encoding") not in (None, "linear")):
        raise ValueError(
            f"`{where}['stem']` must not be 'normals' but for a depth with one channel and the "
            f"linear encoding. Received: channels={channels}, encoding={spec.get('encoding')!r}"
        )


def _check_unit(where, spec):
    unit, scale, encoding = spec.get("unit"), spec.get("scale"), spec.get("encoding") or "linear"
    if unit not in (None, "metres") or (unit and (scale is not None or encoding != "linear")):
        raise ValueError(
            f"`{where}['unit']` must be None or 'metres', with the linear encoding and without a "
            f"scale. Received: unit={unit!r}, scale={scale}, encoding={encoding!r}"
        )


def _check_resizing(where, spec):
    method = interpolation(spec)
    if method not in INTERPOLATIONS:
        raise ValueError(
            f"`{where}['interpolation']` must be one of {INTERPOLATIONS}. "
            f"Received: interpolation={method!r}"
        )
    if spec.get("invalid") is not None and method != "nearest":
        raise ValueError(
            f"`{where}['interpolation']` must be 'nearest' when `invalid` is set: any other one "
            f"mixes unmeasured pixels with their neighbours. Received: interpolation={method!r}"
        )
    mirrored = mirror_channels(spec)
    if any(not 0 <= channel < spec["channels"] for channel in mirrored):
        raise ValueError(
            f"`{where}['mirror_channels']` must be among 0..{spec['channels'] - 1}. "
            f"Received: mirror_channels={mirrored}"
        )
