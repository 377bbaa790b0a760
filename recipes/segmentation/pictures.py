"""Pictures of what a trained network sees and predicts."""

import numpy as np

from keras_asym.models import Calibration
from recipes.data.values import normalize
from recipes.segmentation.certainty import log_of
from recipes.segmentation.colors import colorize, displayable, overlay
from recipes.segmentation.evaluation import make_predict
from recipes.task import example_id


def examples_beside_truth(model, source, examples, protocol, count):
    """Inputs, truth and each branch's prediction of the first examples.

    Args:
        model: `Segmenter`.
        source: Examples by number.
        examples: `SegmentationExamples` of the model's modalities.
        protocol: `Protocol`.
        count: Number of examples at the most.

    Returns:
        `[(example's name, {caption: uint8 picture})]`.
    """
    specs = examples.modalities
    predict = make_predict(model, specs, protocol)
    panels = []
    for number in range(min(count, len(source))):
        example = source[number]
        images = {f"input: {name}": displayable(example[name], specs[name]) for name in specs}
        images["truth"] = colorize(example["label"][..., 0], model.num_classes)
        inputs = {name: normalize(example[name], spec)[None] for name, spec in specs.items()}
        told = examples.presence(example)
        probabilities = predict({**inputs, **{key: x[None] for key, x in told.items()}})
        for key in model.loss_keys:
            images[key] = colorize(probabilities[key][0].argmax(-1), model.num_classes)
        panels.append((example_id(example, number), images))
    return panels


def predicted(model, raw, specs, protocol, calibration=None):
    """What `predict` writes of one example.

    Args:
        model: `Segmenter`.
        raw: `{name: image}` as stored.
        specs: `{name: spec}` of the model's modalities.
        protocol: `Protocol`.
        calibration: `Calibration`; `None` for the confidence as it is.

    Returns:
        `{ending of the file's name: picture}`: classes, confidence as uint16 from 0 to 65535,
        colours, and colours over the first of the images.
    """
    inputs = {name: normalize(image, specs[name])[None] for name, image in raw.items()}
    probabilities = make_predict(model, specs, protocol)(inputs)["ensemble"]
    classes = probabilities[0].argmax(-1).astype("uint8")
    known = calibration or Calibration(model.modality_names)
    confidence = known.confidence("ensemble", log_of(probabilities), model.modality_names)
    confidence = np.rint(65535 * np.asarray(confidence)[0]).astype("uint16")
    first = next(iter(raw))
    background = displayable(raw[first], specs[first])
    return {
        "_classes": classes[..., None],
        "_confidence": confidence[..., None],
        "_colors": colorize(classes, model.num_classes),
        "_overlay": overlay(background, classes, model.num_classes),
    }
