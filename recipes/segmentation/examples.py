"""What happens to one example of images and a mask, in training and in evaluation."""

import math

import numpy as np
import tensorflow as tf

from recipes import settings
from recipes.data.checks import VOID, check_images, enforce
from recipes.data.geometry import (
    extent_of,
    negate_mirrored,
    pad_to,
    random_geometry,
    transform,
    whole_image,
)
from recipes.data.presence import PRESENT, presence
from recipes.data.specs import check_specs, input_channels, interpolation, mirror_channels
from recipes.data.values import normalize

_RULES = {
    "size": settings.size(),
    "scale": settings.Rule(
        lambda x: len(x) == 2 and 0 < x[0] <= x[1] < math.inf, "(low, high) with 0 < low <= high"
    ),
    "scale_step": settings.number(0),
    "shorter_side": settings.whole(0),
    "mirror": settings.number(0, 1 + 1e-9),
}


def check_augmentation(augmentation):
    """Raises `ValueError` where the settings of the joint scaling, crop and mirror are wrong.

    | key | meaning |
    |---|---|
    | `size` | `(height, width)` of the result in pixels; required |
    | `scale` | `(low, high)`, the range of the random scale. Default `(1, 1)`: no resizing |
    | `scale_step` | with one, the scales `low, low + step, ..., high` are drawn. Default 0: any |
    | `shorter_side` | least length of the shorter side after scaling, in pixels. Default 0 |
    | `mirror` | probability of a horizontal mirror. Default 0 |
    """
    settings.check_keys("config.augmentation", augmentation, ("size",), tuple(_RULES)[1:])
    rules = {f"augmentation.{key}": rule for key, rule in _RULES.items() if key in augmentation}
    settings.check({"augmentation": augmentation}, rules)
    low, high = augmentation.get("scale", (1.0, 1.0))
    step = augmentation.get("scale_step", 0.0)
    if step and abs((high - low) / step - round((high - low) / step)) > 1e-6:
        raise ValueError(
            "`config.augmentation.scale_step` must divide the range of `scale`, whose ends are "
            f"both drawn. Received: scale_step={step}, scale={(low, high)}"
        )


class SegmentationExamples:
    """Images of several modalities with one mask, as `recipes.data.batches` takes them.

    `training` and `evaluation` give `(images, label)`: a `dict` from modality to float32 `(height,
    width, channels)`, and int32 `(height, width)`. Where the data say which sensors an example has,
    the `dict` also has booleans `(modalities,)` by the name `"present"`.

    Images are scaled as they are stored, so that holes in depth stay recognizable, and become
    network values (`recipes.data.values`) then. Padding is 0 after normalization (the mean; not
    measured in a validity channel) in the images and 255 in the mask. Geometry changes where a
    value stands and not the value, but for the `mirror_channels` of a spec.

    Args:
        modalities: `{name: spec}`, see `recipes.data.specs.check_specs`.
        num_classes: Labels are 0..num_classes-1, and 255 is void.
        augmentation: See `check_augmentation`; `None` where only evaluation is asked for.
        eval_size: `(height, width)` that evaluation images are padded to at the bottom and the
            right, where sizes differ; `None` for none.
        sensors: Columns of the examples' `"present"`, see `recipes.data.presence`; none by default.
    """

    num_uniforms = 4

    def __init__(self, modalities, num_classes, augmentation=None, eval_size=None, sensors=()):
        check_specs(modalities)
        if not 2 <= num_classes <= VOID:
            raise ValueError(
                f"`num_classes` must be in 2..{VOID}: label {VOID} is void. "
                f"Received: num_classes={num_classes}"
            )
        if augmentation is not None:
            check_augmentation(augmentation)
        self.modalities = modalities
        self.num_classes = num_classes
        self.augmentation = augmentation
        self.eval_size = eval_size
        self.channels = {name: spec["channels"] for name, spec in modalities.items()}
        self.channels["label"] = 1
        # One sensor alone is there, whatever its images are worth.
        self.sensors = tuple(sensors) if len(modalities) > 1 else ()
        self.fill = (
            {**dict.fromkeys(modalities, 0.0), **({PRESENT: True} if self.sensors else {})},
            VOID,
        )

    def training(self, example, name, uniforms):
        """Scaled, cropped, mirrored and padded to `augmentation["size"]`."""
        example = self._checked(example, name)
        geometry = self.draw_geometry(extent_of(example["label"]), uniforms)
        return self._finish(example, geometry, tuple(self.augmentation["size"]))

    def evaluation(self, example, name):
        """The whole image, padded to `eval_size` if there is one."""
        example = self._checked(example, name)
        extent, size = extent_of(example["label"]), self.eval_size
        if size is not None:
            message = f"must be at most `eval_size` {tuple(size)} large. Received:"
            fits = tf.reduce_all(extent <= np.array(size, "int32"))
            example = enforce([(fits, message, lambda: (extent,))], name, example)
        return self._finish(example, whole_image(extent, None), size, centred=False)

    def draw_geometry(self, extent, uniforms):
        """Random scale, random crop and random mirror.

        Args:
            extent: height and width of the stored images, int32 `(2,)`.
            uniforms: `num_uniforms` random numbers in [0, 1).

        Returns:
            `Geometry` with a crop of at most `augmentation["size"]`: an image that is smaller after
            scaling stays smaller, and is left to be padded.
        """
        low, high = self.augmentation.get("scale", (1.0, 1.0))
        shorter_side = self.augmentation.get("shorter_side", 0)
        scaled = None
        if (low, high) != (1.0, 1.0) or shorter_side:
            size = tf.cast(extent, "float32")
            step = self.augmentation.get("scale_step", 0.0)
            factor = np.float32(low) + np.float32(high - low) * _share(low, high, step, uniforms[0])
            factor = tf.maximum(factor, np.float32(shorter_side) / tf.minimum(size[0], size[1]))
            scaled = tf.maximum(tf.cast(tf.round(size * factor), "int32"), 1)
        mirror = self.augmentation.get("mirror", 0.0)
        return random_geometry(extent, scaled, self.augmentation["size"], mirror, uniforms[1:])

    def _checked(self, example, name):
        images = check_images(example, self.modalities, "label", name, self.num_classes)
        return {**images, **self.presence(example)}

    def presence(self, example):
        """Mapping with `"present"`, where the data say it."""
        if not self.sensors:
            return {}
        return {PRESENT: presence(example[PRESENT], self.sensors, self.modalities)}

    def _finish(self, example, geometry, size, centred=True):
        """Applies a geometry, normalizes, and pads to `size` if there is one."""
        images = {}
        for name, spec in self.modalities.items():
            image = transform(example[name], geometry, interpolation(spec))
            image = normalize(image, spec)
            images[name] = negate_mirrored(image, mirror_channels(spec), geometry)
        label = transform(example["label"], geometry, "nearest")
        if size is not None:
            images = {name: pad_to(image, size, 0, centred) for name, image in images.items()}
            label = pad_to(label, size, VOID, centred)
        for name, spec in self.modalities.items():
            shape = (*(size or (None, None)), input_channels(spec))
            images[name] = tf.ensure_shape(images[name], shape)
        if self.sensors:
            images[PRESENT] = example[PRESENT]
        return images, tf.cast(label[..., 0], "int32")


def _share(low, high, step, uniform):
    """Where in its range a scale lies, 0..1: anywhere, or as often on each of equally far steps."""
    steps = round((high - low) / step) if step else 0
    return tf.floor(uniform * (steps + 1)) / steps if steps else uniform
