"""What a modality's raw values mean, and their normalization."""

import tensorflow as tf

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")

_KEYS = ("channels", "scale", "mean", "std", "interpolation", "invalid")


def check_modalities(modalities):
    """Raises `ValueError` where a modality's spec cannot be used.

    A spec is a `dict` (or `ConfigDict`) with the keys

    | key | meaning |
    |---|---|
    | `channels` | number of channels of the stored image; required |
    | `scale` | `value * scale` has the physical unit: 1/255 for RGB, 0.001 for mm to m. Default 1 |
    | `mean`, `std` | in the physical unit, a number for each channel or one for all. Default 0, 1 |
    | `interpolation` | for resizing: `"nearest"` (default), `"bilinear"`, `"bicubic"` |
    | `invalid` | raw value that means "not measured" (0 in depth); 0 after normalization |

    Args:
        modalities: `dict` from a modality's name to its spec.
    """
    if not modalities:
        raise ValueError(
            "`modalities` must name at least one modality, for example "
            f'{{"rgb": {{"channels": 3}}}}. Received: modalities={modalities}'
        )
    for name, spec in modalities.items():
        _check_spec(name, spec)


def _check_spec(name, spec):
    unknown = sorted(set(spec) - set(_KEYS))
    if unknown:
        raise ValueError(
            f"`modalities['{name}']` must have keys among {_KEYS}. Received: unknown keys {unknown}"
        )
    channels = spec.get("channels")
    if not isinstance(channels, int) or channels < 1:
        raise ValueError(
            f"`modalities['{name}']['channels']` must be a positive integer. "
            f"Received: channels={channels!r}"
        )
    for key in ("mean", "std"):
        values = spec.get(key)
        if isinstance(values, (tuple, list)) and len(values) not in (1, channels):
            raise ValueError(
                f"`modalities['{name}']['{key}']` must have one number for each of the "
                f"{channels} channels. Received: {key}={values}"
            )
    std = spec.get("std")
    if std is not None and 0 in (std if isinstance(std, (tuple, list)) else (std,)):
        raise ValueError(f"`modalities['{name}']['std']` must not be 0. Received: std={std}")
    interpolation = spec.get("interpolation", "nearest")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"`modalities['{name}']['interpolation']` must be one of {INTERPOLATIONS}. "
            f"Received: interpolation={interpolation!r}"
        )
    if spec.get("invalid") is not None and interpolation != "nearest":
        raise ValueError(
            f"`modalities['{name}']['interpolation']` must be 'nearest' when `invalid` is set: "
            "any other one mixes unmeasured pixels with their neighbours. "
            f"Received: interpolation={interpolation!r}"
        )


def normalize(image, spec):
    """Turns raw values into network input: `(image * scale - mean) / std`.

    Made of TensorFlow ops on tensors of any (also dynamic) shape, so that the training pipeline and
    an exported serving graph share it.

    Args:
        image: tensor `(..., channels)` of any numeric dtype, as stored.
        spec: the modality's spec, see `check_modalities`.

    Returns:
        float32 tensor of the same shape. Pixels equal to `spec["invalid"]` are 0, the mean.
    """
    image = tf.convert_to_tensor(image)
    values = tf.cast(image, tf.float32)
    if spec.get("scale") is not None:
        values *= tf.constant(spec["scale"], tf.float32)
    if spec.get("mean") is not None:
        values -= tf.constant(spec["mean"], tf.float32)
    if spec.get("std") is not None:
        values /= tf.constant(spec["std"], tf.float32)
    if spec.get("invalid") is not None:
        valid = tf.not_equal(image, tf.cast(spec["invalid"], image.dtype))
        values = tf.where(valid, values, tf.zeros_like(values))
    return values
