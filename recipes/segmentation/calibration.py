"""The calibration of a run: how it is fitted, and `calibration.json`, which holds it."""

import json

import numpy as np

from keras_asym.files import sha256_of, write_atomically
from keras_asym.metrics import ExpectedCalibrationError, NegativeLogLikelihood
from keras_asym.models import Calibration, fit_confidence, fit_temperature
from recipes.data.presence import PRESENT
from recipes.segmentation.certainty import calibrated_pixels
from recipes.subsets import subsets

NAME = "calibration.json"
VERSION = 2
ALL_SUBSETS_UP_TO = 6  # modalities: 63 subsets
_MOST_VALUES = 2**25  # logits that are kept at a time: 128 MiB


def fitted_subsets(names):
    """The subsets that get temperatures of their own, the largest first.

    All of them up to 6 modalities; of more the full set, those without one, and each one alone.
    """
    sizes = (1, len(names) - 1, len(names))
    few = len(names) <= ALL_SUBSETS_UP_TO
    return [subset for subset in subsets(names) if few or len(subset) in sizes]


def fit(model, batches, images):
    """Fits a temperature, and slopes and offsets by class, for each output of a Segmenter.

    It looks at the logits of whole images at a single scale, as a served model does. Of large data
    sets it keeps as many pixels of each image, drawn at random from a seed, as fit into 2^25
    logits: several hundred thousand.

    Args:
        model: `Segmenter` of the modalities that there are.
        batches: Result of `recipes.data.batches.evaluation_batches`.
        images: Number of images.

    Returns:
        `{output: {"temperature", "slopes", "offsets", "pixels", "ece", "nll", "calibrated_ece",
        "calibrated_nll"}}`, the figures those of the fitted pixels.
        Empty if no example that has all of the model's modalities has a pixel that is not void.
    """
    labels, logits = kept_pixels(model, batches, images)
    if not len(labels):
        return {}
    found = {}
    for key, values in logits.items():
        temperature = fit_temperature(values, labels)
        slopes, offsets = (x.tolist() for x in fit_confidence(values, labels, temperature))
        names = model.modality_names
        fitted = Calibration(names, {names: {key: temperature}}, {names: {key: (slopes, offsets)}})
        before, after = (_figures(x, key, labels, values) for x in (Calibration(names), fitted))
        found[key] = {
            "temperature": temperature,
            "slopes": slopes,
            "offsets": offsets,
            "pixels": len(labels),
            **before,
            **{f"calibrated_{name}": value for name, value in after.items()},
        }
    for key in model.output_keys:  # of one modality the ensemble is the branch
        found.setdefault(key, found[model.loss_keys[0]])
    return found


def kept_pixels(model, batches, images, most=_MOST_VALUES):
    """Labels `(pixels,)` and `{output: logits (pixels, num_classes)}` of valid pixels."""
    share = max(1, most // (model.num_classes * len(model.loss_keys)) // images)
    generator = np.random.default_rng(0)
    labels, logits = [], {key: [] for key in model.loss_keys}
    for inputs, masks in batches.as_numpy_iterator():
        outputs = model.predict_on_batch(inputs)
        whole = inputs.get(PRESENT, np.ones((len(masks), 1), "bool")).all(axis=1)
        for row in np.flatnonzero(whole):  # others have the temperature of fewer sensors
            mask = masks[row]
            valid = np.flatnonzero(mask.ravel() != model.ignore_class)
            if len(valid) > share:
                valid = generator.choice(valid, share, replace=False)
            labels.append(mask.ravel()[valid].astype("int64"))
            for key, parts in logits.items():
                image = np.asarray(outputs[key][row])
                parts.append(image.reshape(-1, image.shape[-1])[valid])
    if not labels:
        return np.zeros(0, "int64"), {key: np.zeros((0, model.num_classes)) for key in logits}
    return np.concatenate(labels), {key: np.concatenate(parts) for key, parts in logits.items()}


def _figures(calibration, key, labels, logits):
    """ECE and NLL of pixels, of which none is void."""
    metrics = {"ece": ExpectedCalibrationError(), "nll": NegativeLogLikelihood()}
    for start in range(0, len(labels), 2**18):
        place = np.s_[start : start + 2**18]
        pixels = calibrated_pixels(calibration, key, labels[place], logits[place], -1)
        for metric in metrics.values():
            metric.add(pixels)
    return {name: float(metric.result()) for name, metric in metrics.items()}


def write_calibration(run, checkpoint, split, images, found):
    """Writes `calibration.json` of what `fit` has given, `{subset: {output: ...}}`."""
    record = {
        "version": VERSION,
        "checkpoint": checkpoint,
        "checkpoint_sha256": sha256_of(run.checkpoint(checkpoint)),
        "split": split,
        "images": images,
        "subsets": [
            {"modalities": list(subset), "outputs": outputs} for subset, outputs in found.items()
        ],
    }
    write_atomically(run.path / NAME, json.dumps(record, indent=2) + "\n")


def read_calibration(run, checkpoint, modality_names, say=print):
    """The calibration of a run's checkpoint, and the words for where it comes from.

    Args:
        run: `recipes.run_folder.RunFolder`.
        checkpoint: `"best"` or `"last"`.
        modality_names: Names of the run's modalities.
        say: Function of a sentence, where the file there is cannot be used.

    Returns:
        `Calibration` and `{"split", "images"}`; `(None, None)` if there is none of this checkpoint.

    Raises:
        ValueError: If the file is damaged or of another version.
    """
    path = run.path / NAME
    if not path.is_file():
        return None, None
    again = f"python -m recipes.segmentation.calibrate --workdir={run.path}"
    try:
        record = json.loads(path.read_text())
        version = record["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read ({error}); write it anew: {again}") from error
    if version != VERSION:
        raise ValueError(
            f"{path} must be of version {VERSION}. Received: {version}; write it anew: {again}"
        )
    of = record["checkpoint"], record["checkpoint_sha256"]
    if of != (checkpoint, sha256_of(run.checkpoint(checkpoint))):
        say(
            f"{path} is not used: it is of another checkpoint than this {checkpoint}.keras. Fit "
            f"it anew: {again} --checkpoint={checkpoint}"
        )
        return None, None
    temperatures, by_class = {}, {}
    for entry in record["subsets"]:
        subset, outputs = tuple(entry["modalities"]), entry["outputs"].items()
        temperatures[subset] = {key: values["temperature"] for key, values in outputs}
        by_class[subset] = {key: (values["slopes"], values["offsets"]) for key, values in outputs}
    source = {name: record[name] for name in ("split", "images")}
    return Calibration(modality_names, temperatures, by_class), source
