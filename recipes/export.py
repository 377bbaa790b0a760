"""Exports a trained network as a SavedModel for TF Serving.

    python -m recipes.TASK.export --workdir=RUN --output=FOLDER --subsets=rgb,depth

`FOLDER/1/` then takes raw images (uint8 RGB, uint16 depth, ...) of any number, with the run's
normalization in the graph, or PNG and JPEG files (`serving_encoded`). Each of `--subsets` gets a
signature of its own: `serving_rgb` answers when the depth sensor is gone. `--any_subset` adds
`serving_any`, which answers whatever sensors are sent; with `--empty_is_absent` a frame that is
all holes, or stuck at one value, counts as none. Confidence and uncertainty of a segmentation are
calibrated if `recipes.segmentation.calibrate` has been run. `--quantize` computes each modality
by itself and adds int8 files, made by some of the training images. What the raw values mean stands
in `FOLDER/1/assets/preprocessing.json`.
"""

from keras_asym.export import export_saved_model
from recipes import command
from recipes.data.empty_frames import shows_nothing
from recipes.data.values import encoding_of, normalize
from recipes.quantization import quantize_run
from recipes.trained_run import TrainedRun

_NETWORK_VALUES = {
    "linear": "(v * scale - mean) / std; v * scale is in the unit of mean and std",
    "uint8": "v / 127.5 - 1",
    "log_depth": "2 * log(1 + v) / 11.1 - 1",
    "scaled": "2 * v / maximum - 1",
}


def describe(specs):
    """What the raw values v of each image mean, for `preprocessing.json`.

    Args:
        specs: Specs by name, see `recipes.data.specs`.
    """
    described = {}
    for name, spec in specs.items():
        encoding = encoding_of(spec)
        known = {key: value for key, value in spec.items() if value is not None}
        words = {"encoding": encoding, "network_value": _NETWORK_VALUES[encoding]}
        described[name] = {**known, **words}
    return described


def export_run(task_class, workdir, output, arguments=None):
    """Exports a run's checkpoint; returns the folder of the new version.

    Args:
        task_class: The run's task.
        workdir: Folder of the run.
        output: Folder of all versions of the model.
        arguments: Result of `parse`, which says what else is asked for.
    """
    arguments = parse(task_class) if arguments is None else arguments
    run = TrainedRun(task_class, workdir, arguments.checkpoint)
    task, model = run.task, run.model
    specs = task.modalities
    dtypes = {name: task.facts.dtypes[name] for name in specs}
    options = task.export_options(model, arguments)
    is_absent = None
    if arguments.empty_is_absent:
        is_absent = lambda name, image: shows_nothing(image, specs[name])  # noqa: E731
    path = export_saved_model(
        model,
        output,
        dtypes,
        lambda name, image: normalize(image, specs[name]),
        {name: spec["channels"] for name, spec in specs.items()},
        description=describe(specs),
        warmup_size=tuple(task.config.augmentation.size) if arguments.warmup else None,
        subsets=[subset.split("+") for subset in arguments.subsets],
        branches=arguments.branches,
        any_subset=arguments.any_subset,
        is_absent=is_absent,
        max_pixels=arguments.max_pixels,
        side_by_side=arguments.quantize,
        **options,
    )
    inputs = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
    outputs = ", ".join(options.get("outputs", ("image",)))
    print(f"SavedModel: {path} (serving_default: {inputs} -> {outputs})")
    if arguments.quantize:
        quantize_run(task, run.folder, path)
    return path


def make_parser(task):
    """The command line of a task."""
    parser = command.Parser(task, "export", __doc__)
    parser.add_run()
    parser.add_argument("--output", required=True, help="Folder of the model's versions.")
    parser.add_list(
        "subsets", "Modalities that get a signature without the others: rgb,depth,rgb+depth."
    )
    parser.add_flag("any_subset", "Add serving_any, for whatever sensors there are.")
    parser.add_flag("empty_is_absent", "In it a frame of holes or one value is none.")
    parser.add_flag("quantize", "int8 for LiteRT, ONNX Runtime and OpenVINO, too.")
    parser.add_flag("branches", "Answer each modality's output, too.")
    parser.add_argument("--max_pixels", type=int, default=64_000_000, help="Most of an image.")
    parser.add_flag("warmup", "Write warmup requests.", default=True)
    task.add_flags(parser, "export")
    return parser


def parse(task, *options):
    """The arguments of an export in Python: `parse(Segmentation, "--subsets=rgb")`."""
    return make_parser(task).parse(["--workdir=", "--output=", *options])[0]


def main(task, argv=None):
    """The command line of a task."""

    def program(arguments, changes):
        del changes
        export_run(task, arguments.workdir, arguments.output, arguments)

    command.run(make_parser(task), program, argv)
