"""Configs: found by name or path, changed by `--config.NAME=VALUE`, compared with a run's.

A config is a Python file with `get_config()` that returns a `ConfigDict`, or what a run or a preset
holds of one: its `config.json` or `metadata.json`. Every setting stands in
its task's `configs/default.py`, which also says of what type it is. A few settings are open: any
modality may be added to `modalities`, any split to `data.lists` and `data.num_examples`.
"""

import ast
import difflib
import importlib
import importlib.util
import json
import pathlib

import ml_collections

from recipes.data.specs import KEYS as SPEC_KEYS

OPEN = {"modalities": SPEC_KEYS, "data.lists": None, "data.num_examples": None}
"""Settings below which names may be added, and which keys an added mapping may have."""
PREFIX = "--config."


def load(name, configs):
    """The config that a name or a path stands for.

    Args:
        name: Name of a module of `configs`, such as `"rendered_rooms"`, or path of a Python file,
            of a run's `config.json` or of a preset's `metadata.json`.
        configs: Package with a task's configs.

    Raises:
        ValueError: If there is none, or the file does not give one.
    """
    path = pathlib.Path(name).expanduser()
    if path.suffix == ".py":
        return _of_module(_module_of(path), path)
    if path.suffix == ".json":
        default = importlib.import_module(f"{configs.__name__}.default").get_config()
        return _of_json(path, default)
    known = names(configs)
    if name not in known:
        raise ValueError(
            f"`--config` must be one of {known}, or the path of a Python file with get_config(), "
            f"of a run's config.json or a preset's metadata.json. Received: {name!r}"
            f"{nearest(name, known)}"
        )
    return _of_module(importlib.import_module(f"{configs.__name__}.{name}"), name)


def names(configs):
    """Names of the configs in a package."""
    files = (path for folder in configs.__path__ for path in pathlib.Path(folder).glob("*.py"))
    return sorted(path.stem for path in files if path.stem != "__init__")


def override(config, arguments, default):
    """Sets settings as the command line asks for.

    Args:
        config: `ConfigDict` to change.
        arguments: `["--config.a.b=value", "--config.c", "value", ...]`.
        default: The task's default config, which has all settings.

    Raises:
        ValueError: If a setting does not exist or a value is of another type; names the nearest.
    """
    arguments = list(arguments)
    while arguments:
        name, given, text = arguments.pop(0).removeprefix(PREFIX).partition("=")
        if not given:
            if not arguments or arguments[0].startswith("--"):
                raise ValueError(f"`{PREFIX}{name}` must be given a value: {PREFIX}{name}=VALUE")
            text = arguments.pop(0)
        set_value(config, name, text, default)


def set_value(config, name, text, default):
    """Sets one setting, `"augmentation.size"` say, to a value as it is written on a command line.

    An item of a sequence is named by its number: `stages.0.epochs`.
    """
    *parents, last = name.split(".")
    place, path = config, ""
    for key in parents:
        place = _child(place, key, path, default)
        path = f"{path}.{key}" if path else key
    old = _child(place, last, path, default, missing=_like(default, name))
    value = None if text == "None" and _is_optional(name, default) else _parse(text, old, name)
    if isinstance(place, ml_collections.ConfigDict):
        with place.ignore_type(), place.unlocked():
            place[last] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise ValueError(
            f"`config.{name}` must be set as a whole: {PREFIX}{path}=VALUE. Received: {text}"
        )


def _child(place, key, path, default, missing=None):
    """What a setting holds; where it is open, a new one is begun."""
    name = f"{path}.{key}" if path else key
    if isinstance(place, ml_collections.ConfigDict | dict):
        if key in place:
            return place[key]
        allowed = _allowed(path)
        if allowed is True or (allowed and key in allowed):
            if path == "modalities":
                with place.unlocked():
                    place[key] = ml_collections.ConfigDict()
                return place[key]
            return missing
        known = [*place, *(allowed or ())]
    elif isinstance(place, tuple) and key.isdigit() and int(key) < len(place):
        return place[int(key)]
    else:
        known = [str(i) for i in range(len(place))] if isinstance(place, tuple) else []
    where = f"config.{path}" if path else "config"
    hint = nearest(key, known) or nearest(key, all_names(default), "config.")
    has = f". `{where}` has {', '.join(known) or 'no settings below it'}"
    raise ValueError(f"`config.{name}` is no setting{hint or has}")


def _allowed(path):
    if path in OPEN:
        return True
    parent, _, _ = path.rpartition(".")
    return OPEN.get(parent)


def _like(default, name):
    """A value of the type that an open setting should have, or `None`."""
    return {"data.lists": "", "data.num_examples": 0}.get(name.rpartition(".")[0])


def _is_optional(name, default):
    """Whether a setting may be `None`: any of a modality, and those that are by default."""
    unset = name in all_names(default) and _get(default, name) is None
    return unset or name.startswith("modalities.")


def _parse(text, old, name):
    """A value of the type of the old one."""
    if isinstance(old, str):
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        return text[1:-1] if quoted else text
    if isinstance(old, bool | None) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if isinstance(old, tuple | list) and isinstance(value, str):
        value = tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(old, tuple | list) and _is_number(value):
        value = (value,)
    if old is None or _same_kind(value, old):
        return _with_tuples(value)
    raise ValueError(
        f"`config.{name}` must be {_kind(old)}, such as {_shown(old)}. Received: {text}"
    )


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same_kind(value, old):
    if isinstance(old, bool) or isinstance(value, bool):
        return isinstance(old, bool) and isinstance(value, bool)
    if isinstance(old, float):
        return isinstance(value, int | float)
    if isinstance(old, tuple | list):
        return isinstance(value, tuple | list)
    if isinstance(old, dict | ml_collections.ConfigDict):
        return isinstance(value, dict)
    return isinstance(value, type(old))


def _kind(value):
    kinds = {bool: "true or false", int: "a whole number", float: "a number", tuple: "a sequence"}
    return {**kinds, list: "a sequence"}.get(type(value), "a mapping")


def _shown(value):
    return repr(value.to_dict() if isinstance(value, ml_collections.ConfigDict) else value)


def nearest(name, known, prefix=""):
    """`"; did you mean X?"` for the most similar of the known names, or nothing."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not found:  # a setting may be known by its last part
        by_last = {other.rpartition(".")[2]: other for other in known}
        found = [by_last[last] for last in difflib.get_close_matches(name, by_last, n=1)]
    return f"; did you mean `{prefix}{found[0]}`?" if found else ""


def all_names(config, prefix=""):
    """Dotted names of all settings of a config."""
    for key, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            yield from all_names(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def to_json(config):
    return config.to_json(sort_keys=True, indent=2)


def from_json(text, default):
    """The config of an older run: settings that came later have their defaults.

    Args:
        text: Contents of `config.json`.
        default: The task's default config.
    """
    old = json.loads(text)
    if "domains" in old:  # the name of `modalities` in image translation up to version 0.1
        old["modalities"] = old.pop("domains")
    merged = default.copy_and_resolve_references()
    with merged.unlocked(), merged.ignore_type():
        for name in OPEN:  # what is open is what the run had, not what the default has
            if _get(old, name) is not None:
                _get(merged, name.rpartition(".")[0])[name.rpartition(".")[2]] = {}
        _merge(merged, old)
    return merged


def _of_json(path, default):
    """The config in a run's or a preset's JSON file."""
    try:
        values = json.loads(path.read_text())
        values = values["recipe"]["config"] if "recipe" in values else values
        known = "modalities" in values
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"`--config` cannot be read: {path} ({error})") from error
    if not known:
        raise ValueError(
            f"`--config` must be a run's config.json or a preset's metadata.json. Received: {path}"
        )
    return from_json(json.dumps(values), default)


def differences(old, new, prefix=""):
    """`(name, old value, new value)` of all settings that differ between two configs."""
    old, new = (x.to_dict() if hasattr(x, "to_dict") else x for x in (old, new))
    for key in sorted(set(old) | set(new)):
        name, values = f"{prefix}{key}", (old.get(key), new.get(key))
        if all(isinstance(value, dict) for value in values):
            yield from differences(*values, f"{name}.")
        elif _plain(values[0]) != _plain(values[1]):
            yield name, *values


def _plain(value):
    """What JSON makes of a value: a run's config has been through it."""
    return json.loads(json.dumps(value))


def _merge(config, values, path=""):
    """Takes over the values of settings that there still are."""
    for key, value in values.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict) and isinstance(config.get(key), ml_collections.ConfigDict):
            _merge(config[key], value, name)
        elif key in config or _allowed(path):
            config[key] = _with_tuples(value)


def _with_tuples(value):
    if isinstance(value, list | tuple):
        return tuple(_with_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return value


def _get(values, name):
    for key in filter(None, name.split(".")):
        values = values.get(key) if values is not None else None
    return values


def _module_of(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file():
        raise ValueError(f"`--config` must be a config's name or file. Received: {path}, no file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"`--config`: {path} {_reason(error, path)}") from error
    return module


def _of_module(module, name):
    if not hasattr(module, "get_config"):
        raise ValueError(f"`--config`: {name} must define get_config(), which returns the config")
    try:
        config = module.get_config()
    except Exception as error:
        raise ValueError(f"`--config`: {name} {_reason(error, name)}") from error
    if not isinstance(config, ml_collections.ConfigDict):
        raise ValueError(
            f"`--config`: get_config() of {name} must return a ConfigDict. Received: "
            f"{type(config).__name__}"
        )
    return config.lock()


def _reason(error, path):
    """Where a user's config file went wrong, in a line."""
    line, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f" in line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"cannot be read{line}: {type(error).__name__}: {error}"
