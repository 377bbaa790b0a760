"""Pictures of what a trained network sees and predicts."""

import numpy as np

from keras_asym.models import Calibration
from recipes.data.checks import VOID
from recipes.data.presence import PRESENT
from recipes.data.values import normalize
from recipes.report.maps import error_map, heat_map
from recipes.segmentation.certainty import log_of
from recipes.segmentation.colors import colorize, displayable, overlay
from recipes.segmentation.evaluation import make_predict
from recipes.task import example_id


def network_inputs(example, examples):
    """What a model takes of an example, as it is stored: a batch of one.

    Args:
        example: `{name: image}`.
        examples: `SegmentationExamples` of the model's modalities.
    """
    inputs = {name: normalize(example[name], spec) for name, spec in examples.modalities.items()}
    return {key: np.asarray(x)[None] for key, x in {**inputs, **examples.presence(example)}.items()}


def examples_beside_truth(model, source, examples, protocol, count, calibration=None):
    """Inputs, truth, each branch's prediction, disagreement and errors of the first examples.

    Args:
        model: `Segmenter`.
        source: Examples by number.
        examples: `SegmentationExamples` of the model's modalities.
        protocol: `Protocol`.
        count: Number of examples at the most.
        calibration: `Calibration`; `None` for probabilities as they are.

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
        inputs = network_inputs(example, examples)
        probabilities = predict(inputs)
        classes = {key: found[0].argmax(-1) for key, found in probabilities.items()}
        for key in model.loss_keys:
            images[key] = colorize(classes[key], model.num_classes)
        background = next(iter(images.values()))
        images |= _disagreement(model, probabilities, inputs.get(PRESENT), background, calibration)
        images["errors"] = error_map(classes["ensemble"], example["label"][..., 0], VOID)
        panels.append((example_id(example, number), images))
    return panels


def _disagreement(model, probabilities, present, background, calibration):
    """How much the branches disagree at each pixel, where there are several, over an input."""
    branches = [name for name in model.modality_names if name in model.output_keys]
    if len(branches) < 2:
        return {}
    logits = {key: log_of(x) for key, x in probabilities.items()}
    known = calibration or Calibration(model.modality_names)
    nats = np.asarray(known.uncertainty(model, logits, present))[0]
    most = np.log(len(branches))
    # The square root, as it is far below what it can be nearly everywhere.
    shown = heat_map(np.sqrt(nats / most), background, 1.0)
    return {f"disagreement: square root, 0 to {most:.2f} nats": shown}


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
