"""Predicts from a folder of images.

    python -m recipes.TASK.predict --workdir=RUN --images=FOLDER --output=FOLDER

`--images` holds a folder for each modality of the run (`rgb/`, `depth/`, ...) with files of the
same names. A run one of whose sensors is absent takes `--modalities=rgb`. Segmentation writes
`NAME_classes.png` (class indices), `NAME_confidence.png` (16 bits, 65535 is 1; calibrated by
`recipes.segmentation.calibrate`), `NAME_colors.png` and `NAME_overlay.png`, translation `NAME.png`.
"""

import pathlib

import tensorflow as tf

from keras_asym.files import replaced
from recipes import command
from recipes.data.image_folders import list_examples, read_example
from recipes.run_folder import RunFolder
from recipes.trained_run import TrainedRun


def predict_folder(task_class, workdir, images, output, checkpoint="best", protocol=None):
    """Predicts from every example of a folder.

    Args:
        task_class: The run's task.
        workdir: Folder of the run.
        images: Folder with one folder of images for each modality.
        output: Folder to write to.
        checkpoint: `"best"` or `"last"`.
        protocol: How, and from which modalities; see the task.

    Returns:
        Number of examples.
    """
    run = TrainedRun(task_class, workdir, checkpoint)
    task = run.task
    protocol = task.protocol() if protocol is None else protocol
    model = run.select(protocol.modalities)
    specs = {name: task.modalities[name] for name in model.modality_names}
    examples = list_examples(images, list(specs))
    output = pathlib.Path(output).expanduser()
    output.mkdir(parents=True, exist_ok=True)
    for name, files in examples.items():
        raw = read_example(name, files, specs, task.facts.dtypes, task.config.data.resize)
        for ending, picture in task.predict(model, name, raw, protocol).items():
            with replaced(output / f"{name}{ending}.png") as file:
                file.write(tf.io.encode_png(picture).numpy())
    print(f"Predictions from {len(examples)} example(s): {output}")
    return len(examples)


def main(task, argv=None):
    """The command line of a task."""
    parser = command.Parser(task, "predict", __doc__)
    parser.add_run()
    parser.add_argument("--images", required=True, help="Folder of images.")
    parser.add_argument("--output", required=True, help="Folder to write to.")
    parser.add_list("modalities", "Modalities at hand; all by default.")
    task.add_flags(parser, "predict")

    def program(arguments, changes):
        del changes
        protocol = task.of_run(RunFolder(arguments.workdir)).protocol(arguments)
        predict_folder(
            task,
            arguments.workdir,
            arguments.images,
            arguments.output,
            arguments.checkpoint,
            protocol,
        )

    command.run(parser, program, argv)
