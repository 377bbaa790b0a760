"""Measures a trained network when sensors are absent or faulty.

    python -m recipes.segmentation.robustness --workdir=RUN --split=test --seed=0

Every subset of the sensors (absent ones are removed, not filled with zeros), and the corruptions of
`recipes.segmentation.corruptions` on each sensor in five severities. Writes `robustness.json` and
`robustness.md`, the same bytes for the same seed, and a section of `report.html`. After an
interruption the same command goes on where it was.
"""

import importlib
import json

import numpy as np

from keras_asym.files import sha256_of, write_atomically
from recipes import command
from recipes.data.batches import evaluation_batches
from recipes.data.sources import SubsetSource, keep_in_memory
from recipes.report.page import put_section
from recipes.segmentation import evaluation
from recipes.segmentation.certainty import Certainty, known_figures
from recipes.segmentation.corruptions import SEVERITIES
from recipes.segmentation.faults.cells import make_cells, sensors_of
from recipes.segmentation.faults.faulty import FaultySource, Masked
from recipes.segmentation.faults.section import make_panels, section
from recipes.segmentation.faults.summary import markdown, summarize
from recipes.segmentation.task import Segmentation
from recipes.trained_run import TrainedRun

DIGITS = 6
"""Digits of a figure that are kept."""
PARTIAL = ".robustness.json"


def measure_robustness(
    workdir,
    split="test",
    checkpoint="best",
    seed=0,
    corruptions=(),
    severities=SEVERITIES,
    limit=None,
    kinds=None,
    ordered=False,
):
    """Measures a run's checkpoint and writes the results to its folder.

    Args:
        workdir: Folder of the run.
        split: Name of a split of its data set.
        checkpoint: `"best"` or `"last"`.
        seed: Non-negative integer.
        corruptions, severities: See `make_cells`.
        limit: Number of images, the first ones; all by default.
        kinds: `{sensor: kind}` where it is not the one that the name says.
        ordered: Whether the frames follow one another in time, in the order of their `"id"`.

    Returns:
        What `robustness.json` holds.
    """
    run = TrainedRun(Segmentation, workdir, checkpoint)
    task, path = run.task, run.folder.path
    sensors = sensors_of(task, kinds)
    severities = tuple(sorted(set(severities)))
    cells, left_out = make_cells(task, sensors, tuple(corruptions), severities, ordered)
    if seed < 0 or (limit is not None and limit < 1):
        raise ValueError(
            "`seed` must not be negative, and `limit` at least 1. "
            f"Received: seed={seed}, limit={limit}"
        )
    model = run.model
    dataset, source = run.data(split)
    source = _chosen(source, ordered, limit)
    protocol = task.protocol()
    record = {
        "title": f"Robustness: {task.title}",
        "protocol": f"{protocol}, {run.words(split)} split, {checkpoint} checkpoint, "
        f"{len(source)} images, seed {seed}. Absent sensors are removed, not filled with zeros.",
        "data": dataset.builder.info.full_name,
        "model": sha256_of(run.folder.checkpoint(checkpoint)),
        "images": len(source),
        "seed": seed,
        "ordered": ordered,
        "severities": list(severities),
        "sensors": {name: sensor.kind for name, sensor in sensors.items()},
        "not_measured": left_out,
        "metric": task.main_metric,
        "calibration": task.calibration_source,
    }
    found = _measure(task, model, source, cells, protocol, seed, path / PARTIAL, record)
    record["summary"] = summarize(cells, found, task.main_metric)
    record["cells"] = found
    clean = found[cells[0].key]
    columns = {k: v for k, v in task.columns({"ensemble": clean}).items() if k in clean}
    columns |= {k: v for k, v in known_figures({"ensemble": clean}).items() if "ECE" in k}
    text = markdown(record, cells, columns)
    write_atomically(path / "robustness.json", json.dumps(record, indent=2) + "\n")
    write_atomically(path / "robustness.md", text)
    panels = make_panels(task, Masked(model, tuple(sensors)), source, cells, seed)
    put_section(path, "robustness", "Robustness", section(record, cells, text, panels))
    (path / PARTIAL).unlink(missing_ok=True)
    print(text)
    return record


def _chosen(source, ordered, limit):
    """The images that are measured, in memory where they are small."""
    numbers = np.arange(len(source))
    if ordered:
        ids = [str(np.asarray(source[int(number)]["id"]).item()) for number in numbers]
        numbers = np.argsort(np.array(ids), kind="stable")
    return keep_in_memory(SubsetSource(source, numbers[:limit]))


def _measure(task, model, source, cells, protocol, seed, path, identity):
    """`{key: {metric: value}}` of the ensemble; cells that were done before are kept."""
    kept = {"identity": identity, "cells": {}}
    if path.is_file():
        before = json.loads(path.read_text())
        if before["identity"] == identity:
            kept = before
            print(f"{len(kept['cells'])} cells were measured before.")
    found = kept["cells"]
    specs, examples, size = task.modalities, task.examples, task.config.eval_batch_size
    for number, cell in enumerate(cells):
        if cell.key not in found:
            batches = evaluation_batches(FaultySource(source, cell.faults, seed), examples, size)
            network = Masked(model, cell.present)
            certainty = Certainty(network, task.calibration)
            results, *_ = evaluation.evaluate(
                network, batches, specs, protocol, progress=False, certainty=certainty
            )
            figures = {**results["ensemble"], **certainty.results()["ensemble"]}
            found[cell.key] = {name: round(float(x), DIGITS) for name, x in figures.items()}
            write_atomically(path, json.dumps(kept))
        shown = 100 * found[cell.key][task.main_metric]
        print(f"{number + 1}/{len(cells)} {cell.key}: {task.main_metric} {shown:.1f}", flush=True)
    return {cell.key: found[cell.key] for cell in cells}


def main(argv=None):
    """The command line."""
    parser = command.Parser(Segmentation, "robustness", __doc__)
    parser.add_run()
    parser.add_argument("--split", default="test", help="Split of the data set.")
    parser.add_argument("--seed", type=int, default=0, help="Of the faults.")
    parser.add_list("corruptions", "Names, or SENSOR/NAME; all by default, or none.")
    parser.add_list("severities", "Which of 1 to 5.", "1,2,3,4,5", int)
    parser.add_argument("--limit", type=int, help="Number of images; all by default.")
    parser.add_list("kinds", "SENSOR=depth, rgb, generic or your own, where names do not say it.")
    parser.add_list("plugins", "Modules to import, which register corruptions.")
    parser.add_flag("ordered", "The frames follow one another, in the order of their ids.")

    def program(arguments, changes):
        del changes
        for name in arguments.plugins:
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise ValueError(
                    f"`--plugins` must name modules. Received: {name!r} ({error})"
                ) from error
        pairs = [item.partition("=") for item in arguments.kinds]
        if not all(name and kind for name, _, kind in pairs):
            raise ValueError(f"`--kinds` must be SENSOR=KIND. Received: {arguments.kinds}")
        measure_robustness(
            arguments.workdir,
            arguments.split,
            arguments.checkpoint,
            arguments.seed,
            arguments.corruptions,
            arguments.severities,
            arguments.limit,
            {name: kind for name, _, kind in pairs},
            arguments.ordered,
        )

    command.run(parser, program, argv)


if __name__ == "__main__":
    main()
