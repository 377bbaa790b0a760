"""What happens to one example of aligned domains, in training and in evaluation."""

import numpy as np
import tensorflow as tf

from recipes import settings
from recipes.data.checks import check_images
from recipes.data.geometry import (
    extent_of,
    negate_mirrored,
    random_geometry,
    transform,
    whole_image,
)
from recipes.data.specs import check_specs, input_channels, interpolation, mirror_channels
from recipes.data.values import normalize

_RULES = {
    "size": settings.size(),
    "resize": settings.size(optional=True),
    "mirror": settings.number(0, 1 + 1e-9),
}


def check_augmentation(augmentation):
    """Raises `ValueError` where the settings of the joint resizing, crop and mirror are wrong.

    | key | meaning |
    |---|---|
    | `size` | `(height, width)` of training crops and of evaluation images; required |
    | `resize` | `(height, width)` of the whole image before the crop. Default: `size`, no crop |
    | `mirror` | probability of a horizontal mirror in training. Default 0 |
    """
    settings.check_keys("config.augmentation", augmentation, ("size",), tuple(_RULES)[1:])
    rules = {f"augmentation.{key}": rule for key, rule in _RULES.items() if key in augmentation}
    settings.check({"augmentation": augmentation}, rules)
    size = augmentation["size"]
    resize = augmentation.get("resize") or size
    if size[0] > resize[0] or size[1] > resize[1]:
        raise ValueError(
            "`augmentation.size`, the crop, must be at most `augmentation.resize` large, the image "
            f"that it is cut from. Received: size={tuple(size)}, resize={tuple(resize)}"
        )


class TranslationExamples:
    """Input domains and the target to be painted, as `recipes.data.batches` takes them.

    `training` gives `(inputs, target)`, `evaluation` `(inputs, target, weight)` with a weight of 1,
    or 0 for what fills up the last batch: `inputs` is a `dict` from domain to float32 `(height,
    width, channels)`, all in [-1, 1], and all shapes are static.

    Raw values become network values first (`recipes.data.values`, with the encodings of the papers)
    and are resized then: bilinear with antialiasing, or nearest for domains whose spec has
    `invalid`, so that no depth between "no geometry" and its neighbours is made up. One channel
    stays one channel. A mirror image of surface normals is true only with `mirror_channels=(0,)` in
    the spec; the papers leave it out, and so does the default.

    Args:
        inputs: Names of the input domains, in order.
        target: Name of the domain to be painted, none of `inputs`.
        modalities: `{name: spec}` for all of these, see `recipes.data.specs.check_specs`.
        augmentation: See `check_augmentation`.
    """

    num_uniforms = 3

    def __init__(self, inputs, target, modalities, augmentation):
        inputs = tuple(inputs)
        if not inputs or len(set(inputs)) != len(inputs) or target in inputs:
            raise ValueError(
                "`inputs` must be distinct domains and `target` another one. "
                f"Received: inputs={inputs}, target={target!r}"
            )
        unknown = [name for name in (*inputs, target) if name not in modalities]
        if unknown:
            raise ValueError(
                "`modalities` must have a spec for each of `inputs` and for `target`. Received: "
                f"none for {unknown}, specs for {sorted(modalities)}"
            )
        self.specs = {name: dict(modalities[name]) for name in (*inputs, target)}
        check_specs(self.specs)
        if self.specs[target].get("validity"):
            raise ValueError(
                f"`modalities['{target}']['validity']` must not be set for the target, whose "
                "channels the network paints."
            )
        check_augmentation(augmentation)
        self.inputs = inputs
        self.target = target
        self.augmentation = augmentation
        self.channels = {name: spec["channels"] for name, spec in self.specs.items()}
        self.fill = dict.fromkeys(inputs, 0.0), 0.0, 0.0

    def training(self, example, name, uniforms):
        """Resized, cropped and mirrored."""
        size = self.augmentation["size"]
        scaled = np.array(self.augmentation.get("resize") or size, "int32")
        example = check_images(example, self.specs, self.target, name)
        extent = extent_of(example[self.target])
        mirror = self.augmentation.get("mirror", 0.0)
        geometry = random_geometry(extent, scaled, size, mirror, uniforms)
        return self._finish(example, geometry)

    def evaluation(self, example, name):
        """The whole image at the training size."""
        example = check_images(example, self.specs, self.target, name)
        return *self._finish(example, self._whole(example[self.target])), np.float32(1)

    def network_inputs(self, example, name):
        """The whole image at the training size, without a target.

        Args:
            example: Raw images of some of the input domains.
            name: The example's name in messages.
        """
        specs = {key: self.specs[key] for key in example}
        first = next(iter(specs))
        example = check_images(example, specs, first, name)
        return self._transformed(example, specs, self._whole(example[first]))

    def _whole(self, image):
        return whole_image(extent_of(image), np.array(self.augmentation["size"], "int32"))

    def _finish(self, example, geometry):
        images = self._transformed(example, self.specs, geometry)
        target = images.pop(self.target)
        return images, target

    def _transformed(self, example, specs, geometry):
        images = {}
        for name, spec in specs.items():
            image = normalize(example[name], spec)
            image = transform(image, geometry, interpolation(spec, "bilinear"), antialias=True)
            image = negate_mirrored(image, mirror_channels(spec), geometry)
            shape = (*self.augmentation["size"], input_channels(spec))
            images[name] = tf.ensure_shape(image, shape)
        return images
