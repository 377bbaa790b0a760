"""What the export commands of both tasks share: their flags and what clients are told."""

from absl import flags

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
        encoding = spec.get("encoding", "linear")
        known = {key: value for key, value in spec.items() if value is not None}
        described[name] = {
            **known,
            "encoding": encoding,
            "network_value": _NETWORK_VALUES[encoding],
        }
    return described


def define_flags():
    """Defines the flags of an export; returns a function that gives their values.

    Its first result is what names the run, the second the options of `export_saved_model`.
    """
    workdir = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
    output = flags.DEFINE_string("output", None, "Folder of the model's versions.", required=True)
    checkpoint = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which checkpoint.")
    subsets = flags.DEFINE_list(
        "subsets", [], "Modalities that get a signature without the others: rgb,depth,rgb+depth."
    )
    branches = flags.DEFINE_bool("branches", False, "Whether each modality's output is answered.")
    max_pixels = flags.DEFINE_integer("max_pixels", 64_000_000, "Most pixels of an image.")
    warmup = flags.DEFINE_bool("warmup", True, "Whether a warmup request is written.")

    def values():
        run = {
            "workdir": workdir.value,
            "output": output.value,
            "checkpoint": checkpoint.value,
            "warmup": warmup.value,
        }
        options = {
            "subsets": [subset.split("+") for subset in subsets.value],
            "branches": branches.value,
            "max_pixels": max_pixels.value,
        }
        return run, options

    return values
