"""A network small enough to be trained in a test, and batches for it."""

import keras
import numpy as np
from keras import layers

from keras_asym.models import Segmenter
from tests.helpers import images, randomize

CLASSES = 5
VOID = 255
CHANNELS = {"rgb": 3, "depth": 1, "normal": 4}


def tiny_network(height=None, width=None, name="tiny"):
    """Three convolutions, two norms; its names are those of a ResNet. Logits at half size."""
    inputs = keras.Input((height, width, 3))
    x = layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="conv1_conv")(inputs)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stack0_block0_2_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="stack0_block0_2_bn")(x)
    x = layers.ReLU(name="stack0_block0_2_relu")(x)
    x = layers.Conv2D(CLASSES, 1, name="classifier")(x)
    return keras.Model(inputs, x, name=name)


def tiny_segmenter(count=2, fusion=None, size=(None, None), seed=0, **kwargs):
    """A Segmenter of `count` modalities with random weights, a third of its gammas exchanged."""
    modalities = dict(list(CHANNELS.items())[:count])
    model = Segmenter(tiny_network(*size), modalities, fusion, **kwargs)
    return randomize(model, seed)


def batch(count=2, size=4, height=8, width=12, seed=0, void=0.2):
    """Images by modality name and one mask, with some void pixels."""
    names = list(CHANNELS)[:count]
    x = {n: images(size, height, width, CHANNELS[n], seed=seed) for n in names}
    rng = np.random.default_rng([seed, 1])
    y = rng.integers(0, CLASSES, (size, height, width)).astype("int32")
    y[rng.uniform(size=y.shape) < void] = VOID
    return x, y


def cross_entropy(logits, labels, weights=1.0):
    """Cross-entropy in NumPy, float64: the sum over the valid pixels by their number."""
    logits = np.asarray(logits, "float64")
    logits = logits - logits.max(-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    valid = labels != VOID
    index = np.where(valid, labels, 0)[..., None]
    values = -np.take_along_axis(log_p, index, axis=-1)[..., 0] * valid * weights
    return values.sum() / max(valid.sum(), 1)


def confusion(labels, predictions, classes=CLASSES):
    """Confusion matrix in NumPy, rows are labels, by counting pixel by pixel."""
    matrix = np.zeros((classes, classes), "int64")
    valid = labels != VOID
    np.add.at(matrix, (labels[valid], predictions[valid]), 1)
    return matrix


def figures(matrix):
    """Pixel accuracy, mean accuracy and mean IoU of a confusion matrix, over classes that occur."""
    hits, true, union = np.diag(matrix), matrix.sum(1), matrix.sum(1) + matrix.sum(0)
    union = union - hits
    return {
        "pixel_accuracy": hits.sum() / true.sum(),
        "mean_accuracy": np.mean(hits[true > 0] / true[true > 0]),
        "mean_iou": np.mean(hits[union > 0] / union[union > 0]),
    }
