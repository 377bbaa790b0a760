"""Settings of the joint resizing, crop and mirror of translation."""

_KEYS = ("resize", "size", "mirror")


def check_augmentation(config):
    """Raises `ValueError` where the settings cannot be used.

    | key | meaning |
    |---|---|
    | `size` | `(height, width)` of training crops and of evaluation images; required |
    | `resize` | `(height, width)` of the whole image before the crop. Default: `size`, no crop |
    | `mirror` | probability of a horizontal mirror in training. Default 0 |
    """
    unknown = sorted(set(config) - set(_KEYS))
    if unknown:
        raise ValueError(
            f"`augmentation` must have keys among {_KEYS}. Received: unknown keys {unknown}"
        )
    size, resize = config.get("size"), config.get("resize") or config.get("size")
    for key, value in (("size", size), ("resize", resize)):
        if value is None or len(value) != 2 or min(value) < 1:
            raise ValueError(
                f"`augmentation.{key}` must be (height, width) in pixels. Received: {key}={value}"
            )
    if size[0] > resize[0] or size[1] > resize[1]:
        raise ValueError(
            "`augmentation.size`, the crop, must be at most `augmentation.resize` large, the image "
            f"that it is cut from. Received: size={tuple(size)}, resize={tuple(resize)}"
        )
    mirror = config.get("mirror", 0.0)
    if not 0 <= mirror <= 1:
        raise ValueError(
            f"`augmentation.mirror` must be a probability in 0..1. Received: mirror={mirror}"
        )
