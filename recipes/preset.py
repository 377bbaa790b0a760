"""Makes a preset of a trained network: a folder that others use without the recipe.

    python -m recipes.TASK.preset --workdir=RUN --output=FOLDER --license=apache-2.0
    python -m recipes.TASK.preset --check=FOLDER

`keras_asym.models.Segmenter.from_preset(FOLDER)`, or `Translator`, then takes raw images. The model
card says how it was trained and what it reached, with each subset of its sensors, and over the
seeds of the comparison that the run lies in, if any; `--check` evaluates the preset on the same
data again and fails where the main figure is more than one unit of its last digit away from the
card's: 0.1 % of mean IoU, 0.0001 of the MAE.
"""

import json
import pathlib

from keras_asym.models import SensorPreprocessor
from keras_asym.models.presets import check_preset, find_preset
from recipes import command, costs
from recipes import config as configs
from recipes.compare import read_record, seeds_there
from recipes.data.dataset import Facts
from recipes.data.datasets import open_evaluated
from recipes.data.values import converter_of
from recipes.preset_card import card
from recipes.run_folder import RunFolder
from recipes.subsets import subset_results, subsets
from recipes.task import readable_names, split_words
from recipes.trained_run import TrainedRun


def write_preset(task_class, workdir, output, checkpoint="best", split="test", licence=""):
    """Writes the preset of a run's checkpoint; returns its folder.

    Args:
        task_class: The run's task.
        workdir: Folder of the run.
        output: Folder of the preset, which must be new.
        checkpoint: `"best"` or `"last"`.
        split: The split of which the card has figures; it is evaluated.
        licence: Of the weights, by its SPDX identifier.
    """
    run = TrainedRun(task_class, workdir, checkpoint, beside=False)
    task, model = run.task, run.model
    _, source = run.data(split)
    found = task.evaluate(model, source, task.protocol(), run.words(split))
    figures = {
        **found.record(),
        "subsets": _of_subsets(run, split, source, found),
        "seeds": by_seed(run.folder.path, task, found.protocol),
        "cost": costs.measure(task, model, source),
    }
    specs = task.modalities
    model.set_preprocessor(
        SensorPreprocessor(
            {
                name: converter_of(specs[name], task.facts.dtypes[name])
                for name in model.modality_names
            }
        )
    )
    config, facts = json.loads(configs.to_json(task.config)), task.facts.to_dict()
    config["data"]["data_dir"] = facts["path"] = ""  # of this machine
    metadata = {
        "license": licence,
        "sensors": {name: task.facts.dtypes[name] for name in model.modality_names},
        "recipe": {
            "task": task.name,
            "config": config,
            "data": facts,
            "split": split,
            **figures,
        },
    }
    if task.facts.class_names:
        metadata["class_names"] = list(task.facts.class_names)
    output = pathlib.Path(output).expanduser()
    model.save_to_preset(output, metadata, card(task, model, figures, licence, output.name))
    print(f"Preset: {output}")
    return output


def _of_subsets(run, split, source, of_all):
    """The main figure of the ensemble on each subset of several modalities; of all it is known."""
    task = run.task
    everything, *parts = subsets(task.config.inputs)
    if not parts:
        return {}
    found = {readable_names(everything): of_all.results["ensemble"]}
    found |= subset_results(run, split, source, task.protocol(), parts)
    return {names: results[task.main_metric] for names, results in found.items()}


def by_seed(folder, task, protocol):
    """The main figure of the runs of a comparison that differ from one by their seed alone.

    Args:
        folder: Folder of that one, which counts, too: `COMPARISON/VARIANT_SEED`.
        task: Its task.
        protocol: How they must have been measured, in words.

    Returns:
        `{seed: value}`; empty where the folder is none of a comparison.
    """
    variant, _, seed = folder.name.rpartition("_")
    found = {}
    for other in seeds_there(folder.parent, [variant])[variant] if seed.isdecimal() else ():
        path = folder.with_name(f"{variant}_{other}")
        config = RunFolder(path).config(task.default_config())
        record = read_record(path)
        changed = {name for name, *_ in configs.differences(config, task.config)}
        if changed <= {"seed"} and record["protocol"] == protocol:
            found[other] = record["results"]["ensemble"][task.main_metric]
    return found


def check(task_class, preset, data_dir=""):
    """Evaluates a preset again on the data of its card.

    Args:
        task_class: Its task.
        preset: See `from_preset`.
        data_dir: Folder of TFDS with the data; that of TFDS by default.

    Returns:
        The difference of the main figure to the card's, in the table's units.

    Raises:
        ValueError: If the preset is of another task, or the difference is more
            than one unit of the last digit that tables show.
    """
    folder = find_preset(preset)
    recipe = check_preset(folder).get("recipe")
    if not recipe or recipe.get("task") != task_class.name:
        raise ValueError(
            f"`check` must be a preset that `python -m recipes.{task_class.name}.preset` has "
            f"written. Received: check={preset}, of task {(recipe or {}).get('task')!r}"
        )
    config = configs.from_json(json.dumps(recipe["config"]), task_class.default_config())
    config.data.data_dir = data_dir
    task = task_class(config, Facts.from_dict(recipe["data"]))
    model = task.model_class.from_preset(folder, preprocessor=False)
    model.jit_compile = False  # images come in many sizes
    split = recipe["split"]
    source = open_evaluated(config.data, task.facts, split).source(split, task.image_names)
    found = task.evaluate(model, source, task.protocol(), split_words(split, "best"))
    print(task.text(found))
    factor, digits = task.columns(found.results)[task.main_metric]
    now, stated = (
        factor * results["ensemble"][task.main_metric]
        for results in (found.results, recipe["results"])
    )
    print(f"{task.main_metric} of the ensemble: {now:.{digits}f}; on the card: {stated:.{digits}f}")
    tolerance = 10.0**-digits
    if abs(now - stated) > tolerance:
        raise ValueError(
            f"`check` must reach what its card states, {stated:.{digits}f} {task.main_metric}, "
            f"within {tolerance:g}. Received: {now:.{digits}f}"
        )
    return now - stated


def main(task, argv=None):
    """The command line of a task."""
    parser = command.Parser(task, "preset", __doc__)
    parser.add_run(required=False)
    parser.add_argument("--output", help="Folder of the preset, which must be new.")
    parser.add_argument("--split", default="test", help="Split of the card's figures.")
    parser.add_argument("--license", default="", help="Of the weights: an SPDX identifier.")
    parser.add_argument("--check", help="A preset to be evaluated again, instead.")
    parser.add_argument("--data_dir", default="", help="Of --check: folder of TFDS with the data.")

    def program(arguments, changes):
        del changes
        if arguments.check:
            check(task, arguments.check, arguments.data_dir)
            return
        if not arguments.workdir or not arguments.output:
            raise ValueError(
                "`--workdir` and `--output` must be given, or `--check` alone. Received: "
                f"workdir={arguments.workdir}, output={arguments.output}"
            )
        write_preset(
            task,
            arguments.workdir,
            arguments.output,
            arguments.checkpoint,
            arguments.split,
            arguments.license,
        )

    command.run(parser, program, argv)
