"""Pictures of what a trained network sees and paints."""

import numpy as np
import tensorflow as tf

from recipes.data.values import denormalize
from recipes.task import example_id


def picture(image):
    """uint8 `(height, width, 3)` of an image in [-1, 1] with one channel or three and more."""
    values = np.clip(np.rint((np.asarray(image) + 1) * 127.5), 0, 255).astype("uint8")
    return np.repeat(values[..., :1], 3, axis=-1) if values.shape[-1] < 3 else values[..., :3]


def network_inputs(example, examples, name):
    """What a model takes of an example, as it is stored, and the target that it should paint.

    Args:
        example: `{name: image}`.
        examples: `TranslationExamples` of the model's domains.
        name: What the example is called.

    Returns:
        `{domain: (1, height, width, channels)}`, and the target `(height, width, channels)`.
    """
    tensors = {key: tf.constant(example[key]) for key in examples.channels}
    inputs, target, _ = examples.evaluation(tensors, name)
    return {key: x[None] for key, x in inputs.items()}, target


def examples_beside_target(model, source, examples, count):
    """Inputs, each branch, the ensemble and the target of the first examples, as the model sees
    them.

    Args:
        model: `Translator`.
        source: Examples by number.
        examples: `TranslationExamples` of the model's domains.
        count: Number of examples at the most.

    Returns:
        `[(example's name, {caption: uint8 picture})]`.
    """
    names = list(model.modality_names)
    panels = []
    for number in range(min(count, len(source))):
        raw = source[number]
        inputs, target = network_inputs(raw, examples, str(number))
        outputs = model.predict_on_batch(inputs)
        images = {
            f"input: {name}": picture(inputs[name][0, ..., : examples.channels[name]])
            for name in names
        }
        branches = [key for key in names if key in outputs]  # networks that merge have none
        images.update({f"from {key}": picture(outputs[key][0]) for key in branches})
        if len(branches) != 1:
            images["ensemble"] = picture(outputs["ensemble"][0])
        images[f"target: {examples.target}"] = picture(target)
        panels.append((example_id(raw, number), images))
    return panels


def predicted(model, raw, name, examples, protocol, dtype):
    """What `predict` writes of one example.

    Args:
        model: `Translator`.
        raw: `{name: image}` as stored.
        name: What the example is called.
        examples: `TranslationExamples` of the model's domains.
        protocol: `Protocol`.
        dtype: Of the target's images as they are stored.

    Returns:
        `{ending of the file's name: picture}`: the ensemble, and each branch where the protocol
        says so.
    """
    size = next(iter(raw.values())).shape[:2]
    inputs = examples.network_inputs({key: tf.constant(x) for key, x in raw.items()}, name)
    outputs = model.predict_on_batch({key: x[None] for key, x in inputs.items()})
    keys = model.output_keys if protocol.branches else ("ensemble",)
    return {
        "" if key == "ensemble" else f"_{key}": _painted(
            outputs[key][0], examples, protocol, size, dtype
        )
        for key in keys
    }


def _painted(image, examples, protocol, size, dtype):
    if protocol.size == "input":
        image = tf.image.resize(image, size, "bilinear", antialias=True).numpy()
    if protocol.bits == 8:
        return picture(image)
    if dtype != "uint16":
        raise ValueError(
            "`bits` must be 8 unless the target is stored with 16 bits. Received: bits=16, "
            f"target '{examples.target}' stored as {dtype}"
        )
    return denormalize(image, examples.specs[examples.target], dtype)
