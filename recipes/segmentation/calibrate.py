"""Fits what makes a run's confidence true, on validation data.

    python -m recipes.segmentation.calibrate --workdir=RUN

A temperature, and a slope and an offset for the confidence of each class, for each output and each
subset of the sensors (of more than 6 sensors: for all, for all but one, and for each one alone) are
fitted by the likelihood of the validation split's labels and kept in `RUN/calibration.json`.
`evaluate` then prints calibrated figures beside the raw ones, `predict` and `export` give
calibrated confidence. The classes stay what they are.
"""

from recipes import command
from recipes.data.batches import evaluation_batches
from recipes.segmentation import calibration
from recipes.segmentation.task import Segmentation
from recipes.task import readable_names
from recipes.trained_run import TrainedRun


def calibrate_run(workdir, split="validation", checkpoint="best"):
    """Calibrates a run's checkpoint; prints a table and keeps what was fitted.

    Args:
        workdir: Folder of the run.
        split: Name of a split that is not for testing.
        checkpoint: `"best"` or `"last"`.

    Returns:
        `{subset: {output: figures}}`, see `recipes.segmentation.calibration.fit`.

    Raises:
        ValueError: If the split is the test split, or the data set has no such split.
    """
    if split == "test":
        raise ValueError(
            "`split` must not be test: figures on the data that a calibration was fitted to say "
            "nothing. Received: split=test; take --split=validation, and where there is none train "
            "with a part of the training data held out: --config.data.hold_out=0.1"
        )
    run = TrainedRun(Segmentation, workdir, checkpoint, beside=False)
    task = run.task
    _, source = run.data(split)
    found = {}
    print(f"{'sensors':32}{'temperature':>12}{'ECE':>8}{'->':>3}{'':>6}{'NLL':>8}{'->':>3}")
    for subset in calibration.fitted_subsets(run.model.modality_names):
        part = run.select(subset)
        specs = {name: task.modalities[name] for name in subset}
        batches = evaluation_batches(source, task.examples_of(specs), task.config.eval_batch_size)
        fitted = calibration.fit(part, batches, len(source))
        if fitted:
            found[subset] = fitted
            print(_line(readable_names(subset), fitted["ensemble"]))
        else:
            print(f"{readable_names(subset):32}no example has just these, and labels: not fitted")
    if not found:
        raise ValueError(
            f"`split` must have labels that are not void. Received: split={split!r} of "
            f"{len(source)} images without any"
        )
    calibration.write_calibration(run.folder, checkpoint, split, len(source), found)
    pixels = next(iter(found.values()))["ensemble"]["pixels"]
    print(
        f"ECE in percent, NLL in nats, of the ensemble; {len(source)} images of the {split} split, "
        f"{pixels} pixels; {checkpoint} checkpoint. Kept: {run.folder.path / calibration.NAME}"
    )
    return found


def _line(name, figures):
    ece = f"{100 * figures['ece']:8.2f}{'->':>3}{100 * figures['calibrated_ece']:6.2f}"
    nll = f"{figures['nll']:8.4f}{'->':>3}{figures['calibrated_nll']:8.4f}"
    return f"{name:32}{figures['temperature']:12.3f}{ece}{nll}"


def main(argv=None):
    """The command line."""
    parser = command.Parser(Segmentation, "calibrate", __doc__)
    parser.add_run()
    parser.add_argument("--split", default="validation", help="Split that they are fitted to.")

    def program(arguments, changes):
        del changes
        calibrate_run(arguments.workdir, arguments.split, arguments.checkpoint)

    command.run(parser, program, argv)


if __name__ == "__main__":
    main()
