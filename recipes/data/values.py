"""From raw values to network values.

| `encoding` | network value of the raw value v |
|---|---|
| `"linear"` | `(v * scale - mean) / std` |
| `"uint8"` | `v / 127.5 - 1` |
| `"log_depth"` | `2 * log(1 + v) / 11.1 - 1` |
| `"scaled"` | `2 * v / maximum - 1` |

The last three are in [-1, 1], where larger values are clipped and never wrapped; they are those of
Wang et al. (2020, arXiv 2011.05005) for the domains of Taskonomy. The papers' program rounds to 256
levels in between; here the values keep float32 precision. v is converted before 1 is added.

**Holes.** A pixel is a hole if all of its channels hold the spec's `invalid` value, or if one of
them is NaN or infinite. With the linear encoding a hole becomes 0 in all channels: the mean. The
other encodings leave it where they put the `invalid` value: Taskonomy's "no geometry", 65535,
stands at the far end, at 0.998, as in the papers, and an invalid normal (128, 128, 128) at 0.004.
Without `invalid` there are no holes.
"""

import numpy as np

_LOG_DEPTH = 11.1


def normalize(image, spec, ops=None):
    """Turns raw values into network values; see the module's docstring.

    Args:
        image: array `(..., channels)` of any numeric dtype and any (also dynamic) shape, as stored.
        spec: the image's spec, see `specs.check_specs`.
        ops: module of array functions; `tensorflow_ops` by default, whose operations also serve in
            an exported graph.

    Returns:
        float32 array of the same shape, with one more channel if `spec["validity"]`.
    """
    if ops is None:
        from recipes.data import tensorflow_ops as ops
    image = ops.asarray(image)
    invalid = spec.get("invalid")
    if invalid is None:
        return _encode(ops.cast(image, "float32"), spec, ops)
    hole = ops.all(ops.equal(image, ops.constant(invalid, image)), axis=-1)
    if ops.is_floating(image):
        hole = hole | ops.any(~ops.isfinite(image), axis=-1)
        image = ops.where(hole, ops.constant(invalid, image), image)
    values = _encode(ops.cast(image, "float32"), spec, ops)
    if spec.get("encoding", "linear") == "linear":
        values = ops.where(hole, ops.constant(0, values), values)
    if spec.get("validity"):
        values = ops.concatenate([values, ops.cast(~hole, "float32")], axis=-1)
    return values


def _encode(values, spec, ops):
    encoding = spec.get("encoding", "linear")
    if encoding == "uint8":
        return values / 127.5 - 1.0
    if encoding == "log_depth":
        share = ops.log1p(ops.maximum(values, 0.0)) / _LOG_DEPTH
        return 2.0 * ops.clip(share, 0.0, 1.0) - 1.0
    if encoding == "scaled":
        return 2.0 * ops.clip(values / float(spec["maximum"]), 0.0, 1.0) - 1.0
    scale, mean, std = (
        np.asarray(default if spec.get(key) is None else spec[key], "float64")
        for key, default in (("scale", 1.0), ("mean", 0.0), ("std", 1.0))
    )
    factor, offset = (
        np.broadcast_to(numbers, (spec["channels"],)).astype("float32")
        for numbers in (scale / std, mean / std)
    )
    if (factor == 1).all() and (offset == 0).all():
        return values
    return ops.scale_channels(values, factor, offset)
