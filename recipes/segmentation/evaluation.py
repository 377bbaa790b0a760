"""Metrics and predictions of a trained Segmenter on whole images."""

import dataclasses
import itertools

import keras
import numpy as np
import tensorflow as tf

from keras_asym.metrics import ConfusionMatrix
from recipes.data.presence import PRESENT
from recipes.data.specs import interpolation, mirror_channels

_SHOWN = 8  # names in a sentence
METRICS = {
    "pixel accuracy": "pixel_accuracy",
    "mean accuracy": "mean_accuracy",
    "mean IoU": "mean_iou",
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How an image is evaluated.

    Attributes:
        scales: Scales whose probabilities are averaged.
        flip: Whether those of mirror images are averaged in.
        window: `(height, width)` of the windows in which large images are looked at, or `()`: as a
            whole.
        overlap: Least share of a window that the next one covers, too, in [0, 1).
        modalities: Names of the modalities that are used; all by default.
    """

    scales: tuple = (1.0,)
    flip: bool = False
    window: tuple = ()
    overlap: float = 0.5
    modalities: tuple = ()

    def __post_init__(self):
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(f"`scales` must be positive. Received: scales={self.scales}")
        if self.window and (len(self.window) != 2 or min(self.window) < 1):
            raise ValueError(
                f"`window` must be height,width in pixels. Received: window={self.window}"
            )
        if not 0 <= self.overlap < 1:
            raise ValueError(f"`overlap` must be in [0, 1). Received: overlap={self.overlap}")

    def __str__(self):
        scales = ", ".join(f"{scale:g}" for scale in self.scales)
        name = "single scale" if self.scales == (1.0,) else f"multi-scale ({scales})"
        text = f"{name}, {'with' if self.flip else 'no'} mirroring"
        if self.window:
            height, width = self.window
            text += f", windows of {height}x{width} overlapping by {100 * self.overlap:g} %"
        return text + (f", {' + '.join(self.modalities)} alone" if self.modalities else "")


def make_predict(model, modalities, protocol):
    """A function from normalized images to probabilities by output.

    Args:
        model: `Segmenter`.
        modalities: `{name: spec}`; the specs' interpolation serves resizing to other scales, their
            `mirror_channels` mirroring.
        protocol: `Protocol`.

    Returns:
        Function of `{name: (batch, height, width, channels)}`, which may have `"present"`, too,
        that gives `{output: (batch, height, width, num_classes)}` as arrays, the mean of the
        softmax over scales, mirror images and windows.
    """

    def predict(images):
        images = {name: np.asarray(image) for name, image in images.items()}
        told = {key: images.pop(key) for key in (PRESENT,) if key in images}
        if protocol.window:
            return _in_windows(lambda part: averaged(part, told), images, protocol)
        return averaged(images, told)

    def averaged(images, told):
        size = next(iter(images.values())).shape[1:3]
        views = list(itertools.product(protocol.scales, (False, True)[: 1 + protocol.flip]))
        total = None
        for scale, mirrored in views:
            found = probabilities(images, told, size, scale, mirrored)
            total = found if total is None else {key: total[key] + found[key] for key in total}
        return {key: value / len(views) for key, value in total.items()}

    def probabilities(images, told, size, scale, mirrored):
        if scale != 1.0:
            target = [max(1, round(side * scale)) for side in size]
            images = {
                name: tf.image.resize(image, target, interpolation(modalities[name])).numpy()
                for name, image in images.items()
            }
        if mirrored:
            images = {name: _mirror(image, modalities[name]) for name, image in images.items()}
        found = {}
        for key, logits in model.predict_on_batch({**images, **told}).items():
            value = tf.nn.softmax(logits)
            value = value[:, :, ::-1] if mirrored else value
            value = value if scale == 1.0 else tf.image.resize(value, size)
            found[key] = value.numpy()
        return found

    return predict


def _mirror(image, spec):
    """The mirror image; what points along the width points the other way in it."""
    image = image[:, :, ::-1].copy()
    image[..., list(mirror_channels(spec))] *= -1
    return image


def _in_windows(predict, images, protocol):
    size = next(iter(images.values())).shape[1:3]
    window = [min(*pair) for pair in zip(size, protocol.window, strict=True)]
    starts = [_starts(*pair, protocol.overlap) for pair in zip(size, window, strict=True)]
    sums, counts = {}, np.zeros((1, *size, 1), "float32")
    for top, left in itertools.product(*starts):
        place = np.s_[:, top : top + window[0], left : left + window[1]]
        counts[place] += 1
        for key, value in predict({name: x[place] for name, x in images.items()}).items():
            if key not in sums:
                sums[key] = np.zeros((len(value), *size, value.shape[-1]), "float32")
            sums[key][place] += value
    return {key: value / counts for key, value in sums.items()}


def _starts(length, window, overlap):
    """Where windows begin that cover a side evenly."""
    step = max(1, int(window * (1 - overlap)))
    count = 1 + -(-(length - window) // step)
    return np.unique(np.linspace(0, length - window, count).round().astype(int)).tolist()


def evaluate(model, batches, modalities, protocol=None, progress=True, certainty=None):
    """Runs a data set through a model.

    Args:
        model: `Segmenter`.
        batches: Result of `recipes.data.batches.evaluation_batches`.
        modalities: `{name: spec}`.
        protocol: `Protocol`; a single scale by default.
        progress: Whether a progress bar is shown.
        certainty: `recipes.segmentation.certainty.Certainty`, to which the batches are added.

    Returns:
        `{output: {metric: value in 0..1}}`; `{output: confusion matrix}`, int64
        `(num_classes, num_classes)`, a row for each true class, a column for each predicted one;
        and `{output: array (images, 2 * num_classes)}`, each image's intersections and unions.
    """
    predict = make_predict(model, modalities, protocol or Protocol())
    metrics = {
        key: ConfusionMatrix(model.num_classes, model.ignore_class, name=key)
        for key in model.output_keys
    }
    by_image = {key: [] for key in metrics}
    bar = keras.utils.Progbar(len(batches), verbose=int(progress), unit_name="batch")
    for images, labels in batches.as_numpy_iterator():
        probabilities = predict(images)
        if certainty is not None:
            certainty.update(labels, probabilities, images.get(PRESENT))
        for key, metric in metrics.items():
            classes = probabilities[key].argmax(-1)
            seen = labels_of(key, labels, images.get(PRESENT), model)
            metric.update_state(seen, classes)
            by_image[key] += [
                _parts(*pair, model.num_classes) for pair in zip(seen, classes, strict=True)
            ]
        bar.add(1)
    results, matrices = {}, {}
    for key, metric in metrics.items():
        values = metric.result()
        results[key] = {name: float(values[f"{key}_{end}"]) for name, end in METRICS.items()}
        matrices[key] = metric.counts()
    return results, matrices, {key: np.array(parts) for key, parts in by_image.items()}


def labels_of(key, labels, present, model):
    """The masks of an output: void where an example lacks what the output is of."""
    if present is None or key not in model.modality_names:
        return labels
    there = present[:, list(model.modality_names).index(key)]
    void = np.asarray(model.ignore_class, labels.dtype)
    return np.where(there[:, None, None], labels, void)


def _parts(labels, classes, number):
    """Intersections and unions of one image, class by class: what mean IoU is made of."""
    valid = labels < number  # what is no class and not void has been refused
    true, predicted = labels[valid], classes[valid]
    hits = np.bincount(true[true == predicted], minlength=number)
    sizes = (np.bincount(x, minlength=number) for x in (true, predicted))
    return np.concatenate([hits, sum(sizes) - hits])


def mean_iou(sums):
    """Mean IoU of intersections and unions `(..., 2 * num_classes)`, over the classes there are."""
    hits, unions = np.split(sums, 2, axis=-1)
    there = unions > 0
    return (hits / np.maximum(unions, 1)).sum(-1) / np.maximum(there.sum(-1), 1)


def class_figures(matrix):
    """Figures of each class of a confusion matrix, NaN where a class has no pixel.

    Returns:
        `{"IoU", "accuracy", "precision", "pixels"}`, arrays `(num_classes,)`; accuracy is the share
        of a class's true pixels that were found, precision that of the predicted ones that are.
    """
    hits, true, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "IoU": hits / (true + predicted - hits),
            "accuracy": hits / true,
            "precision": hits / predicted,
            "pixels": true,
        }


def text_table(results, protocol, images):
    """The table of `evaluate` as lines of text, in percent, with its protocol."""
    lines = [f"{'':12}" + "".join(f"{name:>16}" for name in METRICS)]
    for key, values in results.items():
        lines.append(f"{key:12}" + "".join(f"{100 * values[name]:16.1f}" for name in METRICS))
    return "\n".join([*lines, f"percent; {protocol}; {images} images"])


def class_text(matrix, names):
    """Lines of text with the figures of each class, in percent."""
    figures = class_figures(matrix)
    lines = [f"{'':24}{'IoU':>10}{'accuracy':>10}{'precision':>10}{'pixels':>14}"]
    for index, name in enumerate(names):
        cells = (figures[key][index] for key in ("IoU", "accuracy", "precision"))
        shown = "".join(f"{'-':>10}" if np.isnan(x) else f"{100 * x:10.1f}" for x in cells)
        lines.append(f"{name:24}{shown}{figures['pixels'][index]:14d}")
    return lines


def never_predicted(matrix, names):
    """A sentence about classes of the split that no pixel was taken for; nothing without any."""
    missing = np.flatnonzero((matrix.sum(1) > 0) & (matrix.sum(0) == 0))
    if not len(missing):
        return ""
    shown = ", ".join(f"'{names[index]}'" for index in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return (
        f"The ensemble takes no pixel for {shown}{more}. Rare classes may need a longer training, "
        "or --config.loss.dice_weight=1, or --config.class_weights=frequency"
    )
