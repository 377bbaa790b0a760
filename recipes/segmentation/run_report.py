"""The report page of a segmentation run."""

import itertools

import numpy as np

from recipes.data.checks import num_examples
from recipes.data.values import normalize
from recipes.report import write_report
from recipes.report_exchange import exchange_layers
from recipes.segmentation.evaluation import Protocol, make_predict
from recipes.segmentation.panels import class_legend, example_panel


def write_run_report(path, model, config, source, results, class_iou, names, *, split, command):
    """Writes `report.html` for a trained model.

    Args:
        path: File to write.
        model: `Segmenter`.
        config: The run's config.
        source: Raw examples of `split`, for the example panels.
        results, class_iou: From `evaluation.evaluate`, single scale.
        names: Class names.
        split: Name of the split that was evaluated.
        command: The command line of the run.
    """
    modalities = {name: config.modalities[name].to_dict() for name in config.inputs}
    write_report(
        path,
        title=f"Segmentation from {' + '.join(config.inputs)}",
        command=command,
        config=config,
        results=results,
        protocol=f"{Protocol()}, {split} split, {num_examples(source)} images".capitalize(),
        class_iou=class_iou,
        class_names=names,
        curves=path.with_name("log.csv"),
        examples=_examples(model, modalities, source, config.report_examples),
        legend=class_legend(names),
        exchange=exchange_layers(model) or None,
        modalities=model.modality_names,
    )


def _examples(model, modalities, source, count):
    predict = make_predict(model, modalities, Protocol())
    keys = model.loss_keys
    panels = []
    for index, example in enumerate(itertools.islice(source, count)):
        images = {name: normalize(example[name], spec)[None] for name, spec in modalities.items()}
        probabilities = predict(images)
        panels.append(
            example_panel(
                example["id"].numpy().decode() if "id" in example else str(index),
                {name: example[name].numpy() for name in modalities},
                modalities,
                example["label"].numpy()[..., 0],
                {key: np.argmax(probabilities[key][0], -1) for key in keys},
                model.num_classes,
            )
        )
    return panels
