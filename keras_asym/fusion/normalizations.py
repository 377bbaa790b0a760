"""Which normalizations there are, and what becomes of each in a multimodal network."""

import dataclasses
from collections.abc import Callable

import keras

from keras_asym.keras_internals import own_weights
from keras_asym.layers import (
    ModalityBatchNormalization,
    ModalityCopies,
    ModalityGroupNormalization,
    ModalityInstanceNormalization,
    ModalityLayerNormalization,
    ModalityRMSNormalization,
)
from keras_asym.regularizers import EachModality


@dataclasses.dataclass(frozen=True)
class Settings:
    """What `to_multimodal` asks of private normalizations; its arguments of the same names."""

    freeze_statistics: bool = False
    synchronized: bool | None = None
    instance_statistics: bool = True


@dataclasses.dataclass(frozen=True)
class Normalization:
    """How a plain normalization becomes private.

    Attributes:
        private: Function of a plain layer, the number of modalities and `Settings`, which returns
            the private layer, not yet built.
        weights: Weight of the private layer -> weight of the plain one that each row gets.
    """

    private: Callable
    weights: dict[str, str]


_REGISTERED = {}


def register_normalization(cls, private="copies", weights=None):
    """Says what `to_multimodal` makes of a layer class that it does not know.

    Args:
        cls: The class of the layer, or its full name such as `"package.module.Norm"` where it shall
            not be imported. Subclasses that only have other defaults are known by it, too.
        private: Function of a plain layer, the number of modalities and the `Settings`, which
            returns the private layer; `"copies"` for a copy of the layer for each modality
            (`ModalityCopies`); `None` if the layer is shared by the modalities.
        weights: Dictionary of the names of the private layer's weights `(modalities, ...)` -> those
            of the plain layer, from which each row is filled. Not for `"copies"` and `None`.

    Example:

    >>> class Centred(keras.layers.LayerNormalization):
    ...     def call(self, inputs):
    ...         return super().call(inputs - 1)
    >>> keras_asym.fusion.register_normalization(Centred)
    """
    if private == "copies":
        entry = Normalization(lambda layer, count, settings: ModalityCopies(count, layer), {})
    else:
        entry = None if private is None else Normalization(private, dict(weights or {}))
    _REGISTERED[cls if isinstance(cls, str) else _full_name(cls)] = entry


def _full_name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def normalization_of(layer):
    """The `Normalization` of a layer, or `None` for a layer that all modalities share.

    Raises:
        ValueError: If it looks like a normalization and is none that is known.
    """
    cls = type(layer)
    for base in cls.__mro__:
        name = _full_name(base)
        if name in _REGISTERED:
            changed = [
                method
                for between in cls.__mro__[: cls.__mro__.index(base)]
                for method, value in vars(between).items()
                if callable(value) and method not in _ONLY_SETTINGS
            ]
            if changed:
                raise _unknown(layer, f"a {base.__name__} with a `{changed[0]}` of its own")
            return _REGISTERED[name]
    names = {weight.name.lower() for weight in own_weights(layer)}
    if names and "norm" in cls.__name__.lower():
        raise _unknown(layer, "a normalization by its name")
    if any("norm" in name for name in names) or names >= {"gamma", "beta"}:
        raise _unknown(layer, f"a layer with the weights {sorted(names)}")
    return None


# What a subclass may define without computing anything else.
_ONLY_SETTINGS = frozenset(("__init__", "get_config", "from_config", "compute_output_shape"))


def _unknown(layer, what):
    cls = type(layer)
    return ValueError(
        f"Layer '{layer.name}' is {what}, and what it becomes for several modalities is not known. "
        f"Say it by keras_asym.fusion.register_normalization({cls.__name__}): a copy for each "
        "modality; or with `private=None`: shared by all. Received: "
        f"{cls.__module__}.{cls.__qualname__}"
    )


_SHARED_BY_ALL = (
    keras.layers.UnitNormalization,  # without weights
    keras.layers.SpectralNormalization,  # of a kernel, not of features
    keras.layers.Normalization,  # of the data, adapted once
)
_AFFINE = (
    "epsilon",
    "center",
    "scale",
    "beta_initializer",
    "gamma_initializer",
    "beta_regularizer",
    "gamma_regularizer",
    "beta_constraint",
    "gamma_constraint",
)


def _settings(layer, names):
    """The settings `names` of a plain normalization, as its private one takes them."""
    settings = {name: getattr(layer, name) for name in names}
    for name, value in settings.items():
        if name.endswith(("regularizer", "constraint")) and value is not None:
            settings[name] = EachModality(value)
    return {
        **settings,
        "name": layer.name,
        "dtype": layer.dtype_policy,
        "trainable": layer.trainable,
    }


def _batch_normalization(layer, count, settings):
    if layer.renorm:
        raise ValueError(
            f"Layer '{layer.name}' uses batch renormalization, which has no private counterpart. "
            "Build the network with renorm=False."
        )
    _check_channels_last(layer, layer.input_spec.ndim)
    names = (*_AFFINE, "momentum", "moving_mean_initializer", "moving_variance_initializer")
    synchronized = layer.synchronized if settings.synchronized is None else settings.synchronized
    return ModalityBatchNormalization(
        count,
        freeze_statistics=settings.freeze_statistics,
        synchronized=synchronized,
        **_settings(layer, names),
    )


def _group_normalization(layer, count, settings):
    shape = layer.get_build_config()["input_shape"]
    _check_channels_last(layer, len(shape))
    if layer.groups in (-1, shape[-1]):
        return ModalityInstanceNormalization(
            count, instance_statistics=settings.instance_statistics, **_settings(layer, _AFFINE)
        )
    return ModalityGroupNormalization(count, groups=layer.groups, **_settings(layer, _AFFINE))


def _layer_normalization(layer, count, settings):
    if layer.rms_scaling:
        raise ValueError(
            f"Layer '{layer.name}' uses `rms_scaling`, which Keras has deprecated. Build the "
            "network with RMSNormalization."
        )
    return ModalityLayerNormalization(count, axis=layer.axis, **_settings(layer, _AFFINE))


def _rms_normalization(epsilon):
    def private(layer, count, settings):
        axis = getattr(layer, "axis", -1)
        common = _settings(layer, ())
        return ModalityRMSNormalization(count, axis, getattr(layer, epsilon), **common)

    return private


def _rms_of_images(layer, count, settings):
    if layer.data_format == "channels_first":
        raise _channels_first(layer, 1)
    return _rms_normalization("eps")(layer, count, settings)


def _check_channels_last(layer, rank):
    if layer.axis not in (-1, rank - 1):
        raise _channels_first(layer, layer.axis)


def _channels_first(layer, axis):
    return ValueError(
        f"Layer '{layer.name}' normalizes axis {axis}; channels must be the last axis. "
        'Build the network with data_format="channels_last".'
    )


_GAMMA_AND_BETA = {"gamma": "gamma", "beta": "beta"}
register_normalization(
    keras.layers.BatchNormalization,
    _batch_normalization,
    {**_GAMMA_AND_BETA, "moving_mean": "moving_mean", "moving_variance": "moving_variance"},
)
register_normalization(keras.layers.GroupNormalization, _group_normalization, _GAMMA_AND_BETA)
register_normalization(keras.layers.LayerNormalization, _layer_normalization, _GAMMA_AND_BETA)
register_normalization(
    keras.layers.RMSNormalization, _rms_normalization("epsilon"), {"gamma": "scale"}
)
register_normalization(
    "keras_hub.src.models.mobilenetv5.mobilenetv5_layers.RmsNorm2d",
    _rms_of_images,
    {"gamma": "gamma"},
)
for _cls in _SHARED_BY_ALL:
    register_normalization(_cls, None)
