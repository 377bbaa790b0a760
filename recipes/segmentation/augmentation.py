"""Joint augmentation of all modalities and the mask, as stateless functions of a seed.

Each function treats every modality and the mask alike, so that a pixel keeps its label and its
depth. An `example` is a `dict` with an image `(height, width, channels)` for each modality and
`"label"` `(height, width, 1)`. Geometry changes where a value stands and not the value: the metres
of a depth image and the directions of surface normals are left as they are.
"""

import tensorflow as tf

VOID = 255
"""Label of pixels without a class: padding, and what the annotators left out."""

_KEYS = ("size", "scale", "shorter_side", "mirror")


def check_augmentation(config):
    """Raises `ValueError` where the settings of `augment` cannot be used.

    | key | meaning |
    |---|---|
    | `size` | `(height, width)` of the result in pixels; required |
    | `scale` | `(low, high)`, the range of the random scale. Default `(1, 1)`: no resizing |
    | `shorter_side` | least length of the shorter side after scaling, in pixels. Default 0 |
    | `mirror` | probability of a horizontal mirror. Default 0 |
    """
    unknown = sorted(set(config) - set(_KEYS))
    if unknown:
        raise ValueError(
            f"`augmentation` must have keys among {_KEYS}. Received: unknown keys {unknown}"
        )
    size = config.get("size")
    if size is None or len(size) != 2 or min(size) < 1:
        raise ValueError(
            f"`augmentation.size` must be (height, width) in pixels. Received: size={size}"
        )
    low, high = config.get("scale", (1.0, 1.0))
    if not 0 < low <= high:
        raise ValueError(
            "`augmentation.scale` must be (low, high) with 0 < low <= high. "
            f"Received: scale={(low, high)}"
        )
    mirror = config.get("mirror", 0.0)
    if not 0 <= mirror <= 1:
        raise ValueError(
            f"`augmentation.mirror` must be a probability in 0..1. Received: mirror={mirror}"
        )


def augment(example, modalities, config, seed):
    """Random scale, random crop and random mirror.

    Parts of the crop outside of the image are left to `pad_to`, which must follow normalization: an
    image smaller than `config["size"]` stays smaller.

    Args:
        example: see the module's docstring; raw values, so that holes in depth stay recognizable.
        modalities: `dict` from name to spec, see `check_modalities`.
        config: see `check_augmentation`.
        seed: int32 tensor `(2,)`. The same seed gives the same result.

    Returns:
        A new example, at most `config["size"]` large.
    """
    scale_seed, crop_seed, mirror_seed = tf.unstack(tf.random.split(seed, 3))
    low, high = config.get("scale", (1.0, 1.0))
    if (low, high) != (1.0, 1.0) or config.get("shorter_side", 0):
        factor = tf.random.stateless_uniform((), scale_seed, low, high)
        example = rescale(example, modalities, factor, config.get("shorter_side", 0))
    example = random_crop(example, config["size"], crop_seed)
    return random_mirror(example, config.get("mirror", 0.0), mirror_seed)


def rescale(example, modalities, factor, shorter_side=0):
    """Resizes all images by `factor`, at least to a shorter side of `shorter_side` pixels."""
    size = tf.cast(tf.shape(example["label"])[:2], tf.float32)
    factor = tf.maximum(factor, shorter_side / tf.reduce_min(size))
    size = tf.maximum(tf.cast(tf.round(size * factor), tf.int32), 1)
    result = {
        name: resize(example[name], size, spec.get("interpolation", "nearest"))
        for name, spec in modalities.items()
    }
    return {**result, "label": resize(example["label"], size, "nearest")}


def resize(image, size, interpolation):
    """Resizes `(height, width, channels)` with half-pixel centres, whatever the interpolation.

    The nearest interpolation keeps the dtype and makes no new value. The others return float32;
    bicubic overshoot beyond the range of an integer dtype is cut off.
    """
    resized = tf.image.resize(image, size, method=interpolation)
    if interpolation == "bicubic" and image.dtype.is_integer:
        resized = tf.clip_by_value(resized, float(image.dtype.min), float(image.dtype.max))
    return resized


def random_crop(example, size, seed):
    """Cuts one window of at most `size` pixels out of all images."""
    available = tf.shape(example["label"])[:2]
    window = tf.minimum(available, tf.constant(size, tf.int32))
    # A uniform number in 0..1, not an integer range: the range is a tensor with two entries.
    position = tf.random.stateless_uniform((2,), seed)
    slack = available - window
    offset = tf.cast(position * tf.cast(slack + 1, tf.float32), tf.int32)
    offset = tf.minimum(offset, slack)
    begin = tf.concat([offset, [0]], 0)
    extent = tf.concat([window, [-1]], 0)
    return {name: tf.slice(image, begin, extent) for name, image in example.items()}


def random_mirror(example, probability, seed):
    """Exchanges left and right of all images with the given probability."""
    mirrored = tf.random.stateless_uniform((), seed) < probability
    return {
        name: tf.cond(mirrored, lambda image=image: image[:, ::-1], lambda image=image: image)
        for name, image in example.items()
    }


def pad_to(image, size, value, centred=True):
    """Pads `(height, width, channels)` with `value` to `size`; the result has a static shape.

    Args:
        image: tensor at most `size` large.
        size: `(height, width)` in pixels.
        value: 0 for a normalized modality (its mean), `VOID` for a mask.
        centred: if `True` the image stays in the middle, otherwise at the top left.
    """
    missing = tf.constant(size, tf.int32) - tf.shape(image)[:2]
    before = missing // 2 if centred else tf.zeros_like(missing)
    paddings = tf.stack([before, missing - before], axis=1)
    paddings = tf.concat([paddings, [[0, 0]]], axis=0)
    padded = tf.pad(image, paddings, constant_values=tf.cast(value, image.dtype))
    return tf.ensure_shape(padded, (*size, image.shape[-1]))
