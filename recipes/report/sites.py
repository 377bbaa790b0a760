"""Looks at one example where modalities exchange: which channels, and how much they act where."""

import contextlib
import dataclasses

import keras
import numpy as np

from keras_asym.keras_internals import sublayers
from keras_asym.layers import ChannelExchange, ChannelShuffle, TokenExchange
from keras_asym.ops.shuffle import kept_channels

SITES = (ChannelExchange, ChannelShuffle, TokenExchange)


@dataclasses.dataclass(frozen=True)
class Site:
    """What the modalities take from one another at a layer, in one example.

    Attributes:
        name: Name of the layer; of the normalization after which channels are exchanged.
        taken: Boolean `(modalities, channels)`: the channels that come from the others; `None`
            where tokens are exchanged.
        acting: `(modalities, height, width)` in 0..1: the part of the absolute activation that
            comes from the others; of tokens 1 where one was replaced. NaN of what is absent.
    """

    name: str
    taken: np.ndarray | None
    acting: np.ndarray

    @property
    def share(self):
        """Share of the channels, or of the tokens, that come from the others, `(modalities,)`."""
        by_pixel = self.acting.mean((1, 2))  # NaN of what is absent
        return (
            by_pixel
            if self.taken is None
            else np.where(np.isnan(by_pixel), np.nan, self.taken.mean(1))
        )


def look_at_sites(model, inputs):
    """Runs a model on one example and looks at the layers that exchange.

    Args:
        model: `Segmenter` or `Translator`.
        inputs: What it takes: a batch of one example by modality name, and `"present"` where the
            example may lack some.

    Returns:
        List of `Site`s in the order in which they are computed; empty without exchange.
    """
    if len(model.modality_names) < 2:
        return []
    layers = [layer for layer in sublayers(model.network) if isinstance(layer, SITES)]
    size = np.shape(inputs[model.modality_names[0]])[1:3]
    present = np.asarray(inputs.get("present", np.ones((1, len(model.modality_names)), bool)))[0]
    found = []

    def look(layer, given, result):
        here = present[list(layer.rows)]
        others = here & (here.sum() > 1)  # who is there, and can take from another one
        if isinstance(layer, TokenExchange):
            exchanged = keras.ops.convert_to_numpy(layer.exchanged_tokens(given[1], here[None]))
            taken, acting = None, _as_map(exchanged.astype("float32"), size)[..., 0]
        else:
            y = _as_map(np.abs(keras.ops.convert_to_numpy(result)).astype("float32"), size)
            taken = _taken_channels(layer, y.shape[-1]) & others[:, None]
            acting = _part(y, taken)
        acting = np.where(others[:, None, None], acting, 0.0)
        acting[~here] = np.nan
        norm = layer.layer if isinstance(layer, ChannelExchange) else layer
        found.append(Site(norm.name, taken, acting))

    with _watched(layers, look):
        model({name: keras.ops.convert_to_tensor(x) for name, x in inputs.items()}, training=False)
    return found


@contextlib.contextmanager
def _watched(layers, look):
    """Inside, `look` gets a layer, its first argument and its result at each call."""

    def watch(layer, call):
        def watched(inputs, *args, **kwargs):
            result = call(inputs, *args, **kwargs)
            look(layer, inputs, result)
            return result

        return watched

    try:
        for layer in layers:
            layer.call = watch(layer, layer.call)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("call", None)


def _taken_channels(layer, channels):
    """Boolean `(modalities, channels)` by the layer's rule."""
    if isinstance(layer, ChannelExchange):
        return ~keras.ops.convert_to_numpy(layer.pick(layer.keep_mask()))
    receives = [layer.receivers is None or row in layer.receivers for row in layer.rows]
    return np.array(receives)[:, None] & (np.arange(channels) >= kept_channels(channels))


def _part(y, taken):
    total = y.sum(-1)
    return (y * taken[:, None, None]).sum(-1) / np.maximum(total, np.finfo("float32").tiny)


def _as_map(values, size):
    """Tokens `(modalities, tokens, channels)` as a map of the image's shape; maps as they are."""
    if values.ndim == 4:
        return values
    rows = max(round(np.sqrt(values.shape[1] * size[0] / size[1])), 1)
    if values.shape[1] % rows:
        rows = 1
    return values.reshape(len(values), rows, -1, values.shape[-1])
