"""Metrics and predictions of a trained Segmenter on whole images."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_asym.metrics import ConfusionMatrix
from recipes.data.specs import interpolation

METRICS = {
    "pixel accuracy": "pixel_accuracy",
    "mean accuracy": "mean_accuracy",
    "mean IoU": "mean_iou",
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How an image is evaluated: the scales whose probabilities are averaged, and mirroring."""

    scales: tuple = (1.0,)
    flip: bool = False

    def __post_init__(self):
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(f"`scales` must be positive. Received: scales={self.scales}")

    def __str__(self):
        scales = ", ".join(f"{scale:g}" for scale in self.scales)
        name = "single scale" if self.scales == (1.0,) else f"multi-scale ({scales})"
        return f"{name}, {'with' if self.flip else 'no'} mirroring"


def make_predict(model, modalities, protocol):
    """A compiled function from normalized images to probabilities by output.

    Args:
        model: `Segmenter`.
        modalities: `{name: spec}`; the spec's interpolation serves resizing to other scales.
        protocol: `Protocol`.

    Returns:
        Function of `{name: (batch, height, width, channels)}` that gives `{output: (batch,
        height, width, num_classes)}`, the mean of the softmax over scales and mirror images.
    """

    @tf.function(reduce_retracing=True)
    def predict(images):
        size = tf.shape(next(iter(images.values())))[1:3]
        total, count = None, 0
        for scale in protocol.scales:
            for mirrored in (False, True) if protocol.flip else (False,):
                probabilities = _probabilities(images, size, scale, mirrored)
                if total is None:
                    total = probabilities
                else:
                    total = {key: total[key] + probabilities[key] for key in total}
                count += 1
        return {key: value / count for key, value in total.items()}

    def _probabilities(images, size, scale, mirrored):
        if scale != 1.0:
            target = tf.cast(tf.round(tf.cast(size, "float32") * scale), "int32")
            images = {
                name: tf.image.resize(image, target, interpolation(modalities[name]))
                for name, image in images.items()
            }
        if mirrored:
            images = {name: image[:, :, ::-1] for name, image in images.items()}
        probabilities = {}
        for key, logits in model(images, training=False).items():
            value = tf.nn.softmax(logits)
            value = value[:, :, ::-1] if mirrored else value
            probabilities[key] = value if scale == 1.0 else tf.image.resize(value, size)
        return probabilities

    return predict


def evaluate(model, batches, modalities, protocol=None, progress=True):
    """Runs a data set through a model.

    Args:
        model: `Segmenter`.
        batches: Result of `input_pipeline.eval_dataset`.
        modalities: `{name: spec}`.
        protocol: `Protocol`; a single scale by default.
        progress: Whether a progress bar is shown.

    Returns:
        Pair of `{output: {metric: value in 0..1}}` and `{output: IoU of each class}`.
    """
    predict = make_predict(model, modalities, protocol or Protocol())
    metrics = {
        key: ConfusionMatrix(model.num_classes, model.ignore_class, name=key)
        for key in model.output_keys
    }
    bar = keras.utils.Progbar(len(batches), verbose=int(progress), unit_name="batch")
    for images, labels in batches:
        probabilities = predict(images)
        for key, metric in metrics.items():
            metric.update_state(labels, probabilities[key])
        bar.add(1)
    results = {}
    for key, metric in metrics.items():
        values = metric.result()
        results[key] = {name: float(values[f"{key}_{end}"]) for name, end in METRICS.items()}
    return results, {key: np.array(metric.per_class_iou()) for key, metric in metrics.items()}


def text_table(results, protocol, images):
    """The table of `evaluate` as lines of text, in percent, with its protocol."""
    lines = [f"{'':12}" + "".join(f"{name:>16}" for name in METRICS)]
    for key, values in results.items():
        lines.append(f"{key:12}" + "".join(f"{100 * values[name]:16.1f}" for name in METRICS))
    return "\n".join([*lines, f"percent; {protocol}; {images} images"])
