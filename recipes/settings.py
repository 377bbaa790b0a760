"""Rules for the values of settings, so that a wrong one ends a run before any work."""

import math
import re
import typing

import keras

from keras_asym.training.loop import PRECISIONS
from keras_asym.training.optimizers import DECAYS
from recipes.fusions import ALL_FUSIONS


class Rule(typing.NamedTuple):
    """What a setting must be, and in words."""

    holds: typing.Callable
    words: str


def whole(least):
    return Rule(lambda x: _is_whole(x) and x >= least, f"a whole number of at least {least}")


def number(least=-math.inf, below=math.inf, above=-math.inf):
    """A finite number: at least, below, above."""
    words = [f"at least {least:g}"] if least > -math.inf else []
    words += [f"above {above:g}"] if above > -math.inf else []
    words += [f"below {below:g}"] if below < math.inf else []
    return Rule(
        lambda x: _is_number(x) and least <= x < below and x > above,
        " ".join(["a number", " and ".join(words)]).strip(),
    )


def share():
    """A part of a whole, which may be all of it."""
    return Rule(lambda x: _is_number(x) and 0 <= x <= 1, "a number from 0 to 1")


def one_of(names):
    return Rule(lambda x: x in names, f"one of {names}")


def optional(rule):
    """A rule for a value that may be `None`."""
    return Rule(lambda x: x is None or rule.holds(x), f"{rule.words}, or None")


def numbers(rule):
    """Any number of values, none of which breaks a rule."""
    return Rule(lambda x: all(map(rule.holds, x)), f"a sequence, each item {rule.words}, or empty")


def flag():
    return Rule(lambda x: isinstance(x, bool), "true or false")


def text():
    return Rule(lambda x: isinstance(x, str), "a text")


def positive_numbers():
    return Rule(
        lambda x: len(x) > 0 and all(map(number(above=0).holds, x)),
        "numbers above 0, at least one",
    )


def pattern():
    return Rule(_is_pattern, "a regular expression")


def names():
    return Rule(
        lambda x: not isinstance(x, str) and len(set(x)) == len(x) and all(map(_is_name, x)),
        "distinct names, or empty",
    )


def bytes_of_masks():
    return Rule(
        lambda x: len(set(x)) == len(x) and all(_is_whole(v) and 0 <= v <= 255 for v in x),
        "distinct whole numbers from 0 to 255, or empty",
    )


def sequence(rule, length):
    return Rule(
        lambda x: len(x) == length and all(map(rule.holds, x)), f"{length} times {rule.words}"
    )


def size(optional=False):
    words = "(height, width) in pixels, two whole numbers of at least 1"
    return Rule(
        lambda x: (optional and not len(x)) or (len(x) == 2 and all(map(_is_pixels, x))), words
    )


def distinct_names():
    return Rule(
        lambda x: len(x) > 0 and len(set(x)) == len(x) and all(map(_is_name, x)),
        "distinct names, at least one",
    )


def check(config, rules):
    """Raises `ValueError` for the first setting that breaks its rule.

    Args:
        config: `ConfigDict`.
        rules: `{dotted name: Rule}`.
    """
    for name, rule in rules.items():
        value = config
        for key in name.split("."):
            value = value[key]
        try:
            holds = rule.holds(value)
        except TypeError:  # a number where a sequence should be, or the other way round
            holds = False
        if not holds:
            last = name.rpartition(".")[2]
            raise ValueError(f"`config.{name}` must be {rule.words}. Received: {last}={value!r}")


def check_keys(where, values, required, optional=()):
    """Raises `ValueError` unless a mapping has just the keys that it must and may have."""
    if not hasattr(values, "keys"):
        raise ValueError(f"`{where}` must be a mapping with {required}. Received: {values!r}")
    missing = [key for key in required if key not in values]
    unknown = [key for key in values if key not in (*required, *optional)]
    if missing or unknown:
        raise ValueError(
            f"`{where}` must have the keys {tuple(required)}"
            f"{f' and may have {tuple(optional)}' if optional else ''}. Received: "
            f"{', '.join([f'no {key}' for key in missing] + [f'unknown {key}' for key in unknown])}"
        )


def _is_whole(x):
    return isinstance(x, int) and not isinstance(x, bool)


def _is_number(x):
    return isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)


def _is_name(x):
    return isinstance(x, str) and x != ""


def _is_pattern(x):
    try:
        re.compile(x)
    except (re.error, TypeError):
        return False
    return True


def _is_pixels(x):
    return _is_whole(x) and x >= 1


RULES = {
    "seed": whole(0),
    "init": text(),
    "callbacks": names(),
    "inputs": distinct_names(),
    "batch_size": whole(1),
    "eval_batch_size": whole(1),
    "evaluate_every": whole(1),
    "checkpoint_every": whole(1),
    "checkpoint_steps": whole(0),
    "early_stopping": whole(0),
    "gradient_accumulation": whole(1),
    "weight_average": number(0, 1),
    "precision": one_of(PRECISIONS),
    "jit_compile": flag(),
    "report_examples": whole(0),
    "tensorboard_examples": whole(0),
    "data.name": text(),
    "data.data_dir": text(),
    "data.file_format": one_of(("", "tfrecord", "array_record", "parquet")),
    "data.hold_out": number(0, 1),
    "data.report_on": text(),
    "data.root": text(),
    "data.columns": names(),
    "data.num_classes": whole(0),
    "data.class_names": names(),
    "data.label_values": bytes_of_masks(),
    "data.void_values": bytes_of_masks(),
    "data.crop_to": text(),
    "data.resize": names(),
    "data.width": whole(1),
    "data.height": whole(1),
    "optimizer.decay": one_of(DECAYS),
    "optimizer.decay_power": number(above=0),
    "optimizer.warmup_steps": whole(0),
    "optimizer.clipnorm": number(0),
    "optimizer.global_clipnorm": number(0),
    "optimizer.clipvalue": number(0),
    "fusion.name": one_of(sorted(ALL_FUSIONS)),
    "fusion.threshold": number(0),
    "fusion.l1": number(0),
    "fusion.share_only": flag(),
    "fusion.target_rate": optional(share()),
    "fusion.start_rate": optional(share()),
    "fusion.target_at": share(),
    "fusion.exchange_sites": pattern(),
    "fusion.token_threshold": number(0),
    "fusion.token_l1": number(0),
    "fusion.token_l1_reduction": one_of(("mean", "sum")),
    "fusion.token_predictors": one_of(("stage", "block")),
    "fusion.token_sites": pattern(),
    "fusion.shuffle_sites": pattern(),
    "fusion.shift_source": one_of(("input", "output")),
    "fusion.stage": one_of(("early", "middle", "late", "all")),
    "fusion.merge_sites": pattern(),
    "fusion.share_encoder": flag(),
    "fusion.alignment_weight": number(0),
    "fusion.random_rate": share(),
    "fusion.ensemble_rate": number(0),
    "augmentation.size": size(),
    "augmentation.mirror": number(0, 1 + 1e-9),
}
"""Rules for the settings that all tasks have."""
MAY_CHANGE = (
    *("evaluate_every", "checkpoint_every", "checkpoint_steps", "report_examples"),
    *("eval_batch_size", "early_stopping", "jit_compile", "callbacks", "init", "pretrained"),
    *("checkpoint_gradients", "tensorboard_examples"),
    "evaluation",
    *("data.root", "data.data_dir", "data.file_format", "data.lists", "data.report_on"),
)
"""Settings that a run may be resumed with another value of: the weights do not depend on them, or
the fingerprint of the data says whether they do."""


def compiles(config):
    """Whether a model's steps are compiled: as `config.jit_compile` says on TensorFlow. On JAX
    always, where each operation would run by itself."""
    return config.jit_compile or keras.backend.backend() == "jax"
