"""The report page of an image translation run."""

import itertools

import numpy as np

from recipes.image_translation.data import domain_specs, pipeline_config
from recipes.image_translation.evaluation import LOWER_IS_BETTER, make_predict
from recipes.image_translation.input_pipeline import eval_dataset
from recipes.report import write_report
from recipes.report_exchange import exchange_layers


def write_run_report(path, model, config, source, results, protocol, command):
    """Writes `report.html` for a trained model.

    Args:
        path: File to write.
        model: `Translator`.
        config: The run's config.
        source: Raw examples of the split that was evaluated, for the example panels.
        results: From `evaluation.evaluate`.
        protocol: From `evaluation.describe`.
        command: The command line of the run.
    """
    write_report(
        path,
        title=f"{' + '.join(config.inputs)} to {config.target}",
        command=command,
        config=config,
        results=results,
        protocol=f"{protocol}; {len(source)} images",
        percent=False,
        lower_is_better=LOWER_IS_BETTER,
        curves=path.with_name("log.csv"),
        examples=_examples(model, config, source),
        exchange=exchange_layers(model) or None,
        modalities=model.modality_names,
    )


def picture(image):
    """uint8 `(height, width, 3)` of an image in [-1, 1] with one channel or three and more."""
    values = np.clip(np.rint((np.asarray(image) + 1) * 127.5), 0, 255).astype("uint8")
    return np.repeat(values[..., :1], 3, axis=-1) if values.shape[-1] < 3 else values[..., :3]


def _examples(model, config, source):
    """Inputs, each branch, the ensemble and the target, as the network sees them."""
    predict = make_predict(model)
    specs = domain_specs(config)
    batches = eval_dataset(source, pipeline_config(config), 1)
    keys = model.output_keys if len(config.inputs) > 1 else model.modality_names
    panels = []
    pairs = zip(batches, source, strict=False)
    for index, (batch, raw) in enumerate(itertools.islice(pairs, config.report_examples)):
        inputs, target, _ = batch
        outputs = predict(inputs)
        images = {
            f"input: {name}": picture(inputs[name][0, ..., : specs[name]["channels"]])
            for name in config.inputs
        }
        images.update({f"from {key}": picture(outputs[key][0]) for key in keys})
        images[f"target: {config.target}"] = picture(target[0])
        if len(keys) > 1:
            images["ensemble"] = images.pop("from ensemble")
            images[f"target: {config.target}"] = images.pop(f"target: {config.target}")
        name = raw["id"].numpy().decode() if "id" in raw else str(index)
        panels.append({"name": name, "images": images})
    return panels
