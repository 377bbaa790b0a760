"""What happens to one example of images and a mask, in training and in evaluation.

Images are scaled as they are stored, so that holes in depth stay recognizable, and become network
values (`recipes.data.values`) then. Padding is 0 after normalization (the mean; not measured in a
validity channel) in the images and 255 in the mask. Geometry changes where a value stands and not
the value, but for the `mirror_channels` of a spec.
"""

import numpy as np

from recipes.data.checks import VOID, check_images
from recipes.data.geometry import negate_mirrored, pad_to, transform, whole_image
from recipes.data.specs import check_specs, input_channels, interpolation
from recipes.data.values import normalize
from recipes.segmentation.augmentation import check_augmentation, draw_geometry


def check_config(config, training):
    """Raises `ValueError` where the config of a pipeline cannot be used.

    | key | meaning |
    |---|---|
    | `modalities` | name to spec, see `recipes.data.specs.check_specs` |
    | `num_classes` | labels are 0..num_classes-1, and 255 = void |
    | `augmentation` | training only, see `augmentation.check_augmentation` |
    | `shuffle_buffer` | training only: examples drawn from at a time. Default 1024 |
    | `eval_size` | evaluation only: `(height, width)` to pad to when sizes differ. Default: none |
    """
    check_specs(config["modalities"])
    if not 1 <= config["num_classes"] <= VOID:
        raise ValueError(
            f"`num_classes` must be in 1..{VOID}: label {VOID} is void. "
            f"Received: num_classes={config['num_classes']}"
        )
    if training:
        check_augmentation(config["augmentation"])


def channels(config):
    """`{name: channels}` of the stored images of an example, its mask among them."""
    specs = config["modalities"].items()
    return {**{name: spec["channels"] for name, spec in specs}, "label": 1}


def training_example(example, name, uniforms, config, ops):
    """Scaled, cropped, mirrored and padded to `augmentation.size`: `(images, label)`.

    Args:
        example: `dict` of raw images and `"label"`.
        name: the example's name in messages.
        uniforms: `augmentation.NUM_UNIFORMS` random numbers in [0, 1).
        config: see `check_config`.
        ops: module of array functions.
    """
    example = _checked(example, name, config, ops)
    settings = config["augmentation"]
    geometry = draw_geometry(ops.extent(example["label"]), settings, uniforms, ops)
    return _finish(example, geometry, config, ops, tuple(settings["size"]))


def evaluation_example(example, name, config, ops):
    """The whole image, padded at the bottom and the right to `eval_size` if there is one."""
    example = _checked(example, name, config, ops)
    extent, size = ops.extent(example["label"]), config.get("eval_size")
    if size is not None:
        message = f"must be at most `eval_size` {tuple(size)} large. Received:"
        fits = ops.all(extent <= np.array(size, "int32"))
        example = ops.enforce([(fits, message, lambda: (extent,))], name, example)
    return _finish(example, whole_image(extent, None, ops), config, ops, size, centred=False)


def fill(config):
    """What examples are made of that fill up the last batch: zeros whose labels are all void."""
    return dict.fromkeys(config["modalities"], 0.0), VOID


def _checked(example, name, config, ops):
    modalities, num_classes = config["modalities"], config["num_classes"]
    return check_images(example, modalities, "label", name, ops, num_classes)


def _finish(example, geometry, config, ops, size, centred=True):
    """Applies a geometry, normalizes, and pads to `size` if there is one."""
    images = {}
    for name, spec in config["modalities"].items():
        image = transform(example[name], geometry, interpolation(spec), ops)
        image = normalize(image, spec, ops)
        images[name] = negate_mirrored(image, spec.get("mirror_channels"), geometry, ops)
    label = transform(example["label"], geometry, "nearest", ops)
    if size is not None:
        images = {name: pad_to(image, size, 0, ops, centred) for name, image in images.items()}
        label = pad_to(label, size, VOID, ops, centred)
    for name, spec in config["modalities"].items():
        images[name] = ops.static_size(images[name], size or (None, None), input_channels(spec))
    return images, ops.cast(label[..., 0], "int32")
