"""A config, its list files and a picture of what was found."""

import json
import math
import pathlib
import textwrap

_STEPS = 500  # of a training with two sensors, as the demo's; fewer with more, for the time's sake
_EVALUATIONS = 5  # in a training
_MOST_EPOCHS = 60
_CROP = 128  # longest side of the crops that are trained on, as the demo's
_SMALL = 320  # longest side of images that are evaluated in batches
_RANGE = ("depth", "disparity")  # kinds in which 0 means "not measured"
_RARE = 0.05  # share of the pixels below which two classes need a Dice loss
_KELVIN = (20000, 36000)  # median of a thermal image in hundredths of a kelvin


def write(seen, folder):
    """Writes `config.py`, list files and `contact_sheet.png`.

    Args:
        seen: `recipes.configure.look.Seen`.
        folder: Where to; it is made.

    Returns:
        Name of the task that the config is of.

    Raises:
        ValueError: If there is nothing that a network could learn from the images.
    """
    task = "segmentation" if seen.labels and seen.labels.num_classes > 1 else "image_translation"
    inputs = [name for name in seen.layout.columns if name != "label"]
    if seen.labels and task == "image_translation":
        raise ValueError(
            "the masks must be readable and hold at least two classes. Received: "
            f"{seen.labels.num_classes}; what was found says why"
        )
    if task == "image_translation" and len(inputs) < 2:
        raise ValueError(
            "`FOLDER` must hold masks, or two sensors of which one is to be painted from the "
            f"other. Received: {', '.join(seen.layout.columns)} alone"
        )
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in seen.layout.splits.items():
        lines = ["\t".join(row[column] for column in seen.layout.columns) for row in rows]
        (folder / f"{split}.txt").write_text("\n".join(lines))
    body = _segmentation(seen, inputs) if task == "segmentation" else _translation(seen, inputs)
    lines = [*_head(seen, task), *body, "    return config\n"]
    (folder / "config.py").write_text("\n".join(lines))
    seen.sheet.write(folder / "contact_sheet.png")
    return task


def _head(seen, task):
    layout = seen.layout
    doubts = [f"- {_wrapped(doubt, 98)}" for doubt in seen.doubts] or ["- nothing"]
    lists = {split: split in layout.splits for split in ("train", "validation", "test")}
    found = [
        f'"""{layout.root.resolve().name}: written by keras-asym configure.',
        "",
        f"    keras-asym train {task} --config=THIS_FILE --workdir=RUN",
        "",
        "Not sure:",
        "",
        *doubts,
        '"""',
        "",
        "import pathlib",
        "",
        f"from recipes.{task}.configs import rendered_rooms  # a small network",
        "",
        "HERE = pathlib.Path(__file__).resolve().parent",
        "",
        "",
        "def get_config():",
        "    config = rendered_rooms.get_config()",
        '    config.data.name = "multimodal_folder"',
        f"    config.data.root = {_literal(str(layout.root.resolve()))}",
        f"    config.data.columns = {_literal(layout.columns)}",
        "    config.data.lists = {",
        *(
            f'        "{split}": str(HERE / "{split}.txt"),' if there else f'        "{split}": "",'
            for split, there in lists.items()
        ),
        "    }",
    ]
    if not lists["validation"]:
        found.append("    config.data.hold_out = 0.15  # of train, as there is no validation split")
    if seen.resize:
        found.append(f"    config.data.resize = {_literal(seen.resize)}  # to the mask's size")
    if seen.labels:
        found.append(f"    config.data.num_classes = {max(2, seen.labels.num_classes)}")
        if seen.labels.label_values:
            found.append(
                f"    config.data.label_values = {seen.labels.label_values!r}  # as stored"
            )
        if seen.labels.void_values:
            found.append(f"    config.data.void_values = {seen.labels.void_values!r}  # beside 255")
    return found


def _segmentation(seen, inputs):
    lines = []
    for name in inputs:
        lines += _linear_spec(seen, name)
    lines.append(f"    config.inputs = {_literal(inputs)}")
    height, width = seen.sizes["label"][0]
    crop = tuple(_crop(side) for side in (height, width))
    epochs, every = training_length(len(seen.layout.splits["train"]), 8, _STEPS, len(inputs))
    lines += [
        f"    config.augmentation.size = {crop!r}",
        f"    config.augmentation.shorter_side = {min(crop)}",
    ]
    if len(seen.sizes["label"]) > 1 or max(height, width) > _SMALL:
        lines.append("    config.eval_batch_size = 1")
    if seen.labels.num_classes == 2 and seen.labels.rarest < _RARE:
        share = f"{seen.labels.rarest:.1%}"
        lines.append(f"    config.loss.dice_weight = 1.0  # one class has {share} of the pixels")
    rates = '"encoder_rate": 4e-3, "decoder_rate": 2e-3'
    lines += [
        f'    config.stages = ({{"epochs": {epochs}, {rates}}},)',
        f"    config.evaluate_every = {every}",
        f"    config.checkpoint_every = {every}",
    ]
    return lines


def _translation(seen, inputs):
    lines = []
    for name in inputs:
        moments = seen.moments[name]
        dtype, channels = next(iter(moments.dtypes)), next(iter(moments.channels))
        if dtype == "uint8":
            lines.append(
                f'    config.modalities.{name} = {{"channels": {channels}, "encoding": "uint8"}}'
            )
        else:
            top = float(abs(moments.kept).max()) or 1.0
            spec = f'"channels": {channels}, "encoding": "scaled", "maximum": {top:.6g}'
            lines.append(f"    config.modalities.{name} = {{{spec}}}")
    *others, target = sorted(
        inputs, key=lambda name: seen.layout.kinds[name] == "rgb", reverse=True
    )
    side = min(seen.sizes[target][0])
    crop = min(128, side // 32 * 32 or 32)
    epochs, every = training_length(
        len(seen.layout.splits["train"]), 4, 2 * _STEPS, len(others[:4])
    )
    return [
        *lines,
        f"    config.inputs = {_literal(others[:4])}",
        f"    config.target = {_literal(target)}  # no masks: choose what to paint",
        f"    config.augmentation.resize = ({crop * 9 // 8}, {crop * 9 // 8})",
        f"    config.augmentation.size = ({crop}, {crop})",
        f"    config.epochs = {epochs}",
        f"    config.evaluate_every = {every}",
        f"    config.checkpoint_every = {every}",
    ]


def training_length(examples, batch_size, steps, sensors):
    """Epochs of a first training, and after how many of them it is evaluated.

    Args:
        examples: Number of training examples.
        batch_size: Examples of a step.
        steps: Of a training with two sensors.
        sensors: Number of inputs.
    """
    steps_of_epoch = max(1, examples // batch_size)
    epochs = math.ceil(steps * 2 / max(2, sensors) / steps_of_epoch)
    epochs = max(1, min(_MOST_EPOCHS, epochs))
    return epochs, math.ceil(epochs / _EVALUATIONS)


def _linear_spec(seen, name):
    moments, kind = seen.moments[name], seen.layout.kinds[name]
    dtype, channels = sorted(moments.dtypes)[-1], max(moments.channels)
    hole = moments.hole(kind in _RANGE) if dtype != "uint8" or kind in _RANGE else None
    hole = seen.nodata.get(name, hole)
    scale, comment = 1.0, "as stored"
    if dtype == "uint8" and name not in seen.units:
        scale, text, comment = 1 / 255, "1 / 255", "8 bits"
    elif name in seen.units:
        scale = 1 / seen.units[name]
        text, comment = f"1 / {seen.units[name]:g}", "to metres"
    elif kind == "thermal" and _KELVIN[0] < float(moments.mean_and_std(hole)[0][0]) < _KELVIN[1]:
        scale, text, comment = 0.01, "0.01", "hundredths of a kelvin, a guess"
    else:
        text = "1.0"
    mean, std = moments.mean_and_std(hole, scale)
    method = "nearest" if hole is not None else "bilinear"
    lines = [
        f"    config.modalities.{name} = {{",
        f'        "channels": {channels},',
        f'        "scale": {text},  # {comment}',
        f'        "mean": {_numbers(mean)},',
        f'        "std": {_numbers(std)},',
        f'        "interpolation": "{method}",',
    ]
    if hole is not None:
        shown = int(hole) if dtype != "float32" and hole == int(hole) else hole
        lines.append(f'        "invalid": {shown!r},  # not measured')
    return [*lines, "    }"]


def _numbers(values):
    shown = [float(f"{value:.4g}") for value in values]
    return repr(shown[0]) if len(shown) == 1 else repr(tuple(shown))


def _crop(side):
    """Side of the crops: the greatest multiple of 32 in the image, up to a limit."""
    return max(32, min(_CROP, side // 32 * 32))


def _literal(value):
    """A text, or names in a tuple, as Python has them."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    items = [_literal(item) for item in value]
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _wrapped(text, width):
    return "\n  ".join(textwrap.wrap(text, width - 2, break_long_words=False))
