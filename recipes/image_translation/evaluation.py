"""Metrics of a trained Translator on whole images."""

import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_asym import metrics, networks, weights

METRICS = {"MAE": (1, 4), "MSE": (1, 4), "PSNR": (1, 2), "SSIM": (1, 3)}
"""Name -> factor and digits in a table. MAE and MSE are of values in 0..1, PSNR is in dB."""
DISTANCES = {"FID": (1, 1), "KID": (100, 2)}
LOWER_IS_BETTER = ("MAE", "MSE", "FID", "KID", "KID standard error")
SSIM_WINDOW = 11  # pixels


class Inception:
    """Which FID and KID are measured, if any.

    Args:
        path: File with the published weights of the Inception network; `""` for none.
        protocol: `"clean"` or `"published"`, see `keras_asym.metrics.InceptionDistances`.
        subset_size: Images in a subset of KID's.
    """

    def __init__(self, path="", protocol="clean", subset_size=50):
        self.protocol = protocol
        self.subset_size = subset_size
        self.network = None
        if path:
            self.network = networks.FIDInception()
            weights.load_fid_inception_checkpoint(self.network, pathlib.Path(path).expanduser())

    def __bool__(self):
        return self.network is not None

    def check(self, images):
        """Raises `ValueError`, before anything is computed, if there are too few images for KID."""
        if self and images < self.subset_size:
            raise ValueError(
                "`subset_size` of KID must not be larger than the number of images. Received: "
                f"subset_size={self.subset_size}, {images} images"
            )

    def distances(self):
        return metrics.InceptionDistances(self.network, self.protocol, subset_size=self.subset_size)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How images are generated and compared.

    Attributes:
        inception: `Inception`, for FID and KID; `None` for neither.
        dropout_at_test: Whether dropout is on; as in the model by default.
        modalities: Names of the domains that are used; all by default.
        size: `"network"` for pictures as the network paints them, `"input"` for the input's size.
        bits: Of pictures: 8, or 16 for the target's stored values.
        branches: Whether the picture of each branch is written, too.
    """

    inception: Inception | None = None
    dropout_at_test: bool | None = None
    modalities: tuple = ()
    size: str = "network"
    bits: int = 8
    branches: bool = False

    def describe(self, split, dropout_at_test):
        """The protocol of an evaluation in words, which goes with every table."""
        text = f"{split} split, dropout at test time {'on' if dropout_at_test else 'off'}; "
        if self.modalities:
            text = f"{' + '.join(self.modalities)} alone, {text}"
        text += "MAE and MSE of values in 0..1, PSNR in dB"
        if self.inception:
            return (
                f"{text}; {self.inception.protocol} FID and KID (x 100), subsets of "
                f"{self.inception.subset_size} images"
            )
        return f"{text}; FID and KID not measured, as no Inception weights were given"


def evaluate(model, batches, inception=None, progress=True, save=lambda *found: None):
    """Runs a data set through a model.

    Args:
        model: `Translator`.
        batches: Result of `recipes.data.batches.evaluation_batches`.
        inception: `Inception`, for FID and KID.
        progress: Whether a progress bar is shown.
        save: Function that is given the results so far, as soon as there are new ones, and the
            metrics of each image, `{output: array (images, len(METRICS))}`.

    Returns:
        The last of what `save` was given.

    Raises:
        ValueError: If the images are smaller than SSIM's window of 11 pixels, or fewer than KID's
            subsets need.
    """
    figures = {key: [] for key in model.output_keys}
    distances = {key: inception.distances() for key in figures} if inception else {}
    bar = keras.utils.Progbar(len(batches), verbose=int(progress), unit_name="batch")
    for inputs, target, weight in batches.as_numpy_iterator():
        outputs = model.predict_on_batch(inputs)
        there = weight > 0  # what fills the last batch up does not count
        truth = np.clip((target[there] + 1) / 2, 0, 1)
        for key, found in figures.items():
            image = np.clip((np.asarray(outputs[key])[there] + 1) / 2, 0, 1)
            found.append(np.stack(_figures(truth, image), axis=-1))
            if distances:
                distances[key].update(255 * truth, 255 * image)
        bar.add(1)
    by_image = {key: np.concatenate(found) for key, found in figures.items()}
    results = {
        key: dict(zip(METRICS, values.mean(0, "float64").tolist(), strict=True))
        for key, values in by_image.items()
    }
    save(results, by_image)
    for key, distance in distances.items():
        found = distance.result()
        results[key].update({name: found[name] for name in (*DISTANCES, "KID standard error")})
        save(results, by_image)
    return results, by_image


def check_size(size):
    """Raises `ValueError` for images that SSIM cannot be measured on."""
    if min(size) < SSIM_WINDOW:
        raise ValueError(
            f"Images must be at least {SSIM_WINDOW} pixels high and wide for SSIM. Received: "
            f"{tuple(size)}; set config.augmentation.size"
        )


def _figures(truth, image):
    """The metrics of each example, in the order of `METRICS`."""
    check_size(truth.shape[1:3])
    difference = tf.constant(image - truth)
    return (
        tf.reduce_mean(tf.abs(difference), axis=(1, 2, 3)),
        tf.reduce_mean(difference**2, axis=(1, 2, 3)),
        tf.image.psnr(truth, image, max_val=1.0),
        tf.image.ssim(truth, image, max_val=1.0, filter_size=SSIM_WINDOW),
    )


def columns(results):
    """`{metric: (factor, digits)}` of what was measured."""
    first = next(iter(results.values()))
    return {name: form for name, form in {**METRICS, **DISTANCES}.items() if name in first}


def text_table(results, protocol, images):
    """The table of `evaluate` as lines of text, with its protocol."""
    forms = columns(results)
    lines = [f"{'':18}" + "".join(f"{name:>10}" for name in forms)]
    for key, values in results.items():
        cells = (
            f"{factor * values[name]:10.{digits}f}" for name, (factor, digits) in forms.items()
        )
        lines.append(f"{key:18}" + "".join(cells))
    return "\n".join([*lines, f"{protocol}; {images} images"])
