"""What happens to one example of aligned domains, in training and in evaluation.

Raw values become network values first (`recipes.data.values`, [-1, 1] with the encodings of the
papers) and are resized then: bilinear with antialiasing, or nearest for domains whose spec has
`invalid`, so that no depth between "no geometry" and its neighbours is made up. A crop is cut out
before it is resized, see `recipes.data.geometry`. One channel stays one channel. A mirror image of
surface normals is true only with `mirror_channels=(0,)` in the spec; the papers leave it out, and
so does the default.
"""

import numpy as np

from recipes.data.checks import check_images
from recipes.data.geometry import negate_mirrored, random_geometry, transform, whole_image
from recipes.data.specs import check_specs, input_channels, interpolation
from recipes.data.values import normalize
from recipes.image_translation.augmentation import check_augmentation

NUM_UNIFORMS = 3
FILL_WEIGHT = 0.0


def check_config(config):
    """Raises `ValueError` where the config of a pipeline cannot be used.

    | key | meaning |
    |---|---|
    | `inputs` | names of the input domains, in order |
    | `target` | name of the domain to be painted, none of `inputs` |
    | `domains` | name to spec for all of these, see `recipes.data.specs.check_specs` |
    | `augmentation` | see `augmentation.check_augmentation` |
    | `shuffle_buffer` | training only: examples drawn from at a time. Default 1024 |
    """
    inputs, target = tuple(config["inputs"]), config["target"]
    if not inputs or len(set(inputs)) != len(inputs) or target in inputs:
        raise ValueError(
            "`inputs` must be distinct domains and `target` another one. "
            f"Received: inputs={inputs}, target={target!r}"
        )
    unknown = [name for name in (*inputs, target) if name not in config["domains"]]
    if unknown:
        raise ValueError(
            f"`domains` must have a spec for each of `inputs` and for `target`. Received: none for "
            f"{unknown}, specs for {sorted(config['domains'])}"
        )
    check_specs(config["domains"], "domains")
    if config["domains"][target].get("validity"):
        raise ValueError(
            f"`domains['{target}']['validity']` must not be set for the target, whose channels the "
            "network paints."
        )
    check_augmentation(config["augmentation"])


def domain_specs(config):
    """`{name: spec}` of the inputs and of the target, which comes last."""
    return {name: dict(config["domains"][name]) for name in (*config["inputs"], config["target"])}


def training_example(example, name, uniforms, config, ops):
    """Resized, cropped and mirrored: `(inputs, target)`.

    Args:
        example: `dict` of raw images.
        name: the example's name in messages.
        uniforms: `NUM_UNIFORMS` random numbers in [0, 1).
        config: see `check_config`.
        ops: module of array functions.
    """
    settings = config["augmentation"]
    scaled = np.array(settings.get("resize") or settings["size"], "int32")
    mirror = settings.get("mirror", 0.0)
    example = check_images(example, domain_specs(config), config["target"], name, ops)
    extent = ops.extent(example[config["target"]])
    geometry = random_geometry(extent, scaled, settings["size"], mirror, uniforms, ops)
    return _finish(example, geometry, config, ops)


def evaluation_example(example, name, config, ops):
    """The whole image at the training size: `(inputs, target, weight)`, the weight being 1."""
    example = check_images(example, domain_specs(config), config["target"], name, ops)
    geometry = _whole(example[config["target"]], config, ops)
    return *_finish(example, geometry, config, ops), np.float32(1)


def network_inputs(example, name, config, ops):
    """The whole image at the training size, without a target: `inputs`.

    Args:
        example: `dict` of raw images of the input domains.
        name: the example's name in messages.
        config: see `check_config`.
        ops: module of array functions.
    """
    specs = {name: dict(config["domains"][name]) for name in config["inputs"]}
    first = config["inputs"][0]
    example = check_images(example, specs, first, name, ops)
    return _transformed(example, specs, _whole(example[first], config, ops), config, ops)


def fill(config):
    """What examples are made of that fill up the last batch: zeros with the weight 0."""
    return dict.fromkeys(config["inputs"], 0.0), 0.0, FILL_WEIGHT


def _whole(image, config, ops):
    size = np.array(config["augmentation"]["size"], "int32")
    return whole_image(ops.extent(image), size, ops)


def _finish(example, geometry, config, ops):
    images = _transformed(example, domain_specs(config), geometry, config, ops)
    target = images.pop(config["target"])
    return images, target


def _transformed(example, specs, geometry, config, ops):
    images = {}
    for name, spec in specs.items():
        image = normalize(example[name], spec, ops)
        image = transform(image, geometry, interpolation(spec, "bilinear"), ops, antialias=True)
        image = negate_mirrored(image, spec.get("mirror_channels"), geometry, ops)
        images[name] = ops.static_size(image, config["augmentation"]["size"], input_channels(spec))
    return images
