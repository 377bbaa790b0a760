"""How sure a network is and how right: figures of confidence beside those of the classes."""

import dataclasses

import numpy as np
from keras import ops

from keras_asym import metrics
from keras_asym.metrics.pixel_metric import read_pixels
from recipes.segmentation.evaluation import labels_of

FIGURES = {
    "ECE": metrics.ExpectedCalibrationError,
    "NLL": metrics.NegativeLogLikelihood,
    "Brier": metrics.BrierScore,
    "AURC": metrics.AreaUnderRiskCoverage,
}
FORMATS = {"ECE": (100, 2), "NLL": (1, 4), "Brier": (1, 4), "AURC": (100, 3)}  # factor, digits
CALIBRATED = "calibrated"
NOTE = "ECE (15 bins) and AURC in percent, NLL in nats, Brier in 0..2; void left out"


class Certainty:
    """Adds up the figures of a network's outputs, as they are and calibrated.

    Args:
        model: `Segmenter`.
        calibration: `Calibration`, or `None` for the raw figures alone.
    """

    def __init__(self, model, calibration=None):
        self.model, self.calibration = model, calibration
        kinds = ("raw", CALIBRATED) if calibration else ("raw",)
        self.metrics = {
            key: {kind: self._new(model.ignore_class) for kind in kinds}
            for key in model.output_keys
        }

    @staticmethod
    def _new(ignore_class):
        return {
            name: metric_class(ignore_class=ignore_class) for name, metric_class in FIGURES.items()
        }

    def update(self, labels, probabilities, present=None):
        """Adds a batch: masks, probabilities by output as `make_predict` gives them, and which
        modalities each example has, `(batch, modalities)`; `None` for all."""
        for key, kinds in self.metrics.items():
            logits = log_of(probabilities[key])
            seen = labels_of(key, labels, present, self.model)
            for kind, found in kinds.items():
                if kind == CALIBRATED:
                    names = self.model.modality_names
                    pixels = calibrated_pixels(
                        self.calibration, key, seen, logits, self.model.ignore_class, names, present
                    )
                else:
                    pixels = read_pixels(seen, logits, self.model.ignore_class)
                for metric in found.values():
                    metric.add(pixels)

    def results(self):
        """`{output: {"ECE": value, ..., "calibrated ECE": value, ...}}`."""
        return {
            key: {
                metric_name(name, kind): float(metric.result())
                for kind, found in kinds.items()
                for name, metric in found.items()
            }
            for key, kinds in self.metrics.items()
        }

    def curves(self):
        """`{output: {kind: {"diagram": ..., "risk_coverage": ...}}}`, for plots."""
        return {
            key: {
                kind: {"diagram": found["ECE"].diagram(), "risk_coverage": found["AURC"].curve()}
                for kind, found in kinds.items()
            }
            for key, kinds in self.metrics.items()
        }


def calibrated_pixels(calibration, key, labels, logits, ignore_class, names=None, present=None):
    """`Pixels` of a calibrated output: probabilities at its temperature, and its confidence.

    Args:
        calibration: `Calibration`.
        key: Name of the output.
        labels, logits, ignore_class: As for `read_pixels`.
        names, present: Names of the model's modalities and which each example has, see
            `Calibration.temperature`.
    """
    scaled = calibration.scaled(key, ops.convert_to_tensor(logits), names, present)
    pixels = read_pixels(labels, scaled, ignore_class)
    if not calibration.by_class:
        return pixels
    log_odds = ops.reshape(calibration.log_odds(key, logits, names, present), (-1,))
    return dataclasses.replace(pixels, confidence=ops.sigmoid(log_odds), log_odds=log_odds)


def log_of(probabilities):
    """Log-probabilities, which are logits; finite where a probability is 0 in float32."""
    return np.log(np.maximum(np.asarray(probabilities), np.finfo("float32").tiny))


def metric_name(name, kind):
    return f"{CALIBRATED} {name}" if kind == CALIBRATED else name


def known_figures(results):
    """The names of the figures of confidence that results have, `{name: (factor, digits)}`."""
    values = next(iter(results.values()), {})
    names = [(metric_name(name, kind), name) for kind in ("raw", CALIBRATED) for name in FIGURES]
    return {shown: FORMATS[name] for shown, name in names if shown in values}


def certainty_text(results, source=None):
    """Lines of text: a row for each output, or each subset, raw and calibrated figures beside.

    Args:
        results: `{row: {figure: value}}`; nothing is printed without figures of confidence.
        source: `{"split", "images"}` of the temperatures.
    """
    columns = known_figures(results)
    if not columns:
        return []
    width = max(24, *(len(key) + 2 for key in results))
    words = [name.replace(CALIBRATED, "cal.") for name in columns]
    lines = ["", f"{'':{width}}" + "".join(f"{word:>12}" for word in words)]
    for key, values in results.items():
        cells = (f"{x * values[name]:12.{digits}f}" for name, (x, digits) in columns.items())
        lines.append(f"{key:{width}}{''.join(cells)}")
    return [*lines, f"{NOTE}; {calibration_words(source)}"]


def calibration_words(source):
    """Where the temperatures come from."""
    if source is None:
        return "not calibrated (python -m recipes.segmentation.calibrate)"
    return f"calibrated (cal.) on {source['images']} images of the {source['split']} split"
