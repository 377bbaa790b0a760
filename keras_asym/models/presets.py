"""Presets: a trained model in a folder, in KerasHub's files, read without executing anything."""

import datetime
import importlib.metadata
import json
import os
import pathlib

import keras

from keras_asym.files import new_folder, sha256_of
from keras_asym.optional import import_optional

CONFIG, TASK, PREPROCESSOR = "config.json", "task.json", "preprocessor.json"
METADATA, WEIGHTS, CARD = "metadata.json", "model.weights.h5", "README.md"
RELEASE = "KERAS_ASYM_PRESETS"
"""Environment variable: the folder in which presets are looked for by name."""
_NEEDED = (CONFIG, TASK, METADATA, WEIGHTS)
_FORMAT = 1
_HUB = "hf://"


def save_preset(model, folder, metadata=None, card=""):
    """Writes a preset; see `MultimodalModel.save_to_preset`."""
    metadata = dict(metadata or {})
    folder = pathlib.Path(folder).expanduser()
    config = {**model.get_config(), **dict(model.OF_TRAINING)}
    preprocessor = config.pop("preprocessor")
    del config[model.NETWORK]
    task = {
        "class_name": type(model).__name__,
        "registered_name": keras.saving.get_registered_name(type(model)),
        "config": config,
    }
    files = {CONFIG: keras.saving.serialize_keras_object(model.network), TASK: task}
    if preprocessor is not None:
        files[PREPROCESSOR] = preprocessor
    with new_folder(folder) as path:
        path.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (path / name).write_text(_json(content, name))
        (path / CARD).write_text(card or _card(folder.name, model))
        model.network.save_weights(path / WEIGHTS)
        names = (*files, CARD, WEIGHTS)
        stated = {
            **metadata,
            "format": _FORMAT,
            "keras_version": keras.version(),
            "keras_asym_version": importlib.metadata.version("keras_asym"),
            "parameter_count": model.network.count_params(),
            "date_saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "sha256": {name: sha256_of(path / name) for name in names},
        }
        (path / METADATA).write_text(_json(stated, METADATA))


def load_preset(model_class, preset, preprocessor=True):
    """Reads a preset; see `MultimodalModel.from_preset`."""
    folder = find_preset(preset)
    check_preset(folder)
    task = _read(folder / TASK)
    registered = keras.saving.get_registered_name(model_class)
    if task.get("registered_name") != registered:
        raise ValueError(
            f"`preset` must hold a {model_class.__name__}. Received: preset={str(preset)!r}, which "
            f"holds a {task.get('class_name')}: keras_asym.models.{task.get('class_name')}"
            ".from_preset reads it"
        )
    with_preprocessor = preprocessor and (folder / PREPROCESSOR).is_file()
    try:
        network = keras.saving.deserialize_keras_object(_read(folder / CONFIG), safe_mode=True)
        config = {**task["config"], model_class.NETWORK: network, "preprocessor": None}
        if with_preprocessor:
            config["preprocessor"] = keras.saving.deserialize_keras_object(
                _read(folder / PREPROCESSOR), safe_mode=True
            )
        policy = config.get("dtype")
        if isinstance(policy, dict):
            config["dtype"] = keras.dtype_policies.deserialize(policy)
        model = model_class(**config)
        model.network.load_weights(folder / WEIGHTS)
    except Exception as error:  # foreign layers and foreign versions raise errors of many kinds
        raise ValueError(
            f"`preset` cannot be made a model: {error} Layers of your own must be imported, and "
            "registered with keras.saving.register_keras_serializable, before. Received: "
            f"preset={str(preset)!r}"
        ) from error
    return model


def find_preset(preset):
    """The folder of a preset: a path, a name in the release's folder, or one of the Hub."""
    if str(preset).startswith(_HUB):
        return _from_hub(str(preset))
    places = [pathlib.Path(preset).expanduser()]
    if os.environ.get(RELEASE) and places[0].name == str(preset):
        places.append(pathlib.Path(os.environ[RELEASE]).expanduser() / preset)
    for place in places:
        if place.is_dir():
            return place
    known = sorted({x.parent.name for place in places[1:] for x in place.parent.glob("*/" + TASK)})
    raise ValueError(
        f"`preset` must be the folder of a preset, {_HUB}USER/NAME, or the name of one in the "
        f"folder {RELEASE}{f' ({known})' if known else ''}. Received: preset={str(preset)!r}; "
        f"there is no {' and no '.join(str(x) for x in places)}"
    )


def check_preset(folder):
    """The metadata of a preset whose files are all there and as they were written.

    Raises:
        ValueError: If one is missing, or differs from what `metadata.json` states.
    """
    folder = pathlib.Path(folder)
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"`preset` must hold {missing}. Received: preset={str(folder)!r}")
    metadata = _read(folder / METADATA)
    stated = metadata.get("sha256")
    if metadata.get("format") != _FORMAT or not isinstance(stated, dict):
        raise ValueError(
            f"`preset` must have the format {_FORMAT} and a SHA-256 for each file in its "
            f"{METADATA}. Received: preset={str(folder)!r}, format={metadata.get('format')!r}. "
            "It may be of a newer keras_asym, or of another package."
        )
    present = {name for name in (*_NEEDED, PREPROCESSOR) if (folder / name).is_file()}
    needed = (set(stated) | present) - {CARD, METADATA}
    for name in sorted(needed):
        path = folder / name
        if path.parent != folder or not path.is_file() or stated.get(name) != sha256_of(path):
            raise ValueError(
                f"`preset` must be as it was written: its {name} is not the file of which "
                f"{METADATA} states the SHA-256. Download or copy it again. Received: "
                f"preset={str(folder)!r}"
            )
    return metadata


def _from_hub(preset):
    name, _, revision = preset.removeprefix(_HUB).partition("@")
    if len(name.split("/")) != 2 or not all(name.split("/")):
        raise ValueError(f"`preset` must be {_HUB}USER/NAME. Received: preset={preset!r}")
    hub = import_optional("huggingface_hub", "presets", f"A preset of the Hub, {preset}, needs")
    allowed = [*_NEEDED, PREPROCESSOR, CARD]
    return pathlib.Path(
        hub.snapshot_download(name, revision=revision or None, allow_patterns=allowed)
    )


def _read(path):
    try:
        content = json.loads(path.read_text())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"`preset` is damaged: {path} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"`preset` is damaged: {path} must hold a dictionary")
    return content


def _json(content, name):
    try:
        return json.dumps(content, indent=2)
    except TypeError as error:
        raise ValueError(
            f"`metadata` and the model's config must be plain values that JSON has: {error}, for "
            f"{name}"
        ) from error


def _card(name, model):
    return (
        f"# {name}\n\nA {type(model).__name__} of `keras_asym` from {list(model.modality_names)}, "
        f"with {model.network.count_params():,} parameters.\n\n"
        "    from keras_asym.models import "
        f'{type(model).__name__}\n    model = {type(model).__name__}.from_preset("{name}")\n'
    )
