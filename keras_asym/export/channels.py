"""Feature maps of which a part of the channels is computed.

A channel that a branch gives up in an exchange is never read from that branch again. Where
convolutions stand in front of the exchange and behind it, such channels are not computed, and
nothing is multiplied by a mask: a branch's own channels and those that it got from the others go
into the next convolution apart, each with its part of the kernel.
"""

import functools
import operator

import keras
import tensorflow as tf
from keras import ops

_CHANNELWISE = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.ZeroPadding2D)


class Channels:
    """The channels of a feature map, computed once they are asked for.

    Args:
        compute: Function of channels, a list of their numbers or `None` for all of them, that gives
            tensors `(batch, height, width, channels)` whose sum they are.
        terms: What a convolution reads in place of the whole: pairs of `Channels` and a list of
            numbers; each channel is in one of them.
        in_part: Whether some channels can be asked for; otherwise all alone.
    """

    def __init__(self, compute, terms=(), in_part=True):
        self.terms = list(terms)
        self.in_part = in_part
        self._compute = compute
        self._addends, self._sums, self._mapped = {}, {}, {}

    def addends(self, channels=None):
        """Tensors whose sum some channels, or all, are."""
        return _once(self._addends, _key(channels), lambda: self._compute(channels))

    def part(self, channels=None):
        """The tensor of some channels, or of all."""
        return _once(
            self._sums,
            _key(channels),
            lambda: functools.reduce(operator.add, self.addends(channels)),
        )

    def map(self, key, function):
        """What a layer that treats each channel by itself makes of these.

        Args:
            key: What tells the function from others.
            function: Of `Channels` and a list of numbers or `None`; gives addends.
        """
        return _once(self._mapped, key, lambda: self._map(key, function))

    def _map(self, key, function):
        terms = [(source.map(key, function), channels) for source, channels in self.terms]
        return Channels(lambda channels: function(self, channels), terms, self.in_part)


class _Selected(Channels):
    """Of some channels those that anybody reads, computed as one tensor in a given order."""

    def __init__(self, source, order):
        super().__init__(self._cut)
        self.source, self.order = source, order

    def _cut(self, channels):
        if channels is None:
            return self.source.addends()
        whole = self.source.part(self.order)
        if channels == self.order:
            return [whole]
        start = self.order.index(channels[0])
        if channels == self.order[start : start + len(channels)]:
            return [whole[..., start : start + len(channels)]]
        return [tf.gather(whole, [self.order.index(channel) for channel in channels], axis=-1)]

    def _map(self, key, function):
        return _Selected(self.source.map(key, function), self.order)


def convolved(layer, x):
    """Channels of a `Conv2D`, or `None` if they cannot be computed in part.

    Args:
        layer: Any layer.
        x: Its input, a tensor or `Channels`.
    """
    if type(layer) is not keras.layers.Conv2D or layer.groups != 1 or not _is_plain(layer):
        return None

    def compute(channels):
        terms = x.terms if isinstance(x, Channels) else ()
        if channels is None and not terms:
            return [layer(whole(x))]
        kernel = take(layer.kernel, channels)
        parts = [(source.part(read), take(kernel, read, 2)) for source, read in terms]
        addends = [ops.conv(*part, **_how(layer)) for part in parts or [(whole(x), kernel)]]
        return _biased(layer, addends, channels)

    return Channels(compute)


def mapped(layer, x):
    """Channels of a layer that treats each of them by itself, or `None` if it does not."""
    if not isinstance(x, Channels):
        return None
    if type(layer) in _CHANNELWISE:
        return x.map(id(layer), lambda x, channels: [layer(x.part(channels))])
    if type(layer) is not keras.layers.DepthwiseConv2D or not _is_plain(layer):
        return None
    if layer.depth_multiplier != 1:
        return None

    def compute(x, channels):
        if channels is None:
            return [layer(x.part())]
        y = ops.depthwise_conv(x.part(channels), take(layer.kernel, channels, 2), **_how(layer))
        return _biased(layer, [y], channels)

    return x.map(id(layer), compute)


def exchanged(each, keep):
    """Channels of each branch behind a channel exchange, Eq. 6 of arXiv 2011.05005.

    Args:
        each: `Channels` of each branch.
        keep: Boolean array `(branches, channels)`.
    """
    if len(each) == 1 or keep.all():
        return each
    in_part = all(x.in_part for x in each)
    terms = _terms(each, keep) if in_part else [()] * len(each)
    return [
        Channels(lambda _, row=row: [_mixed(row, each, keep)], terms[row], in_part=False)
        for row in range(len(each))
    ]


def _mixed(row, each, keep):
    """All channels of a branch as a sum of products: what runtimes quantize and vectorize."""
    if keep[row].all():
        return each[row].part()
    own = keep[row].astype("float32")
    share = (1 - own) / (len(each) - 1)
    others = [x.part() * share for index, x in enumerate(each) if index != row]
    return sum(others, each[row].part() * own)


def _terms(each, keep):
    """For each branch its own channels and those that it gets, each where it is computed."""
    given = ~keep
    orders = []
    for row in range(len(each)):
        asked = given.sum(axis=0) > given[row]  # by another branch
        read = (keep[row] | asked).nonzero()[0].tolist()
        orders.append(sorted(read, key=lambda c, row=row: _place(keep, row, c)))
    selected = [_Selected(x, order) for x, order in zip(each, orders, strict=True)]

    terms = []
    for row in range(len(each)):
        others = [index for index in range(len(each)) if index != row]
        own = [channel for channel in orders[row] if keep[row, channel]]
        got = [channel for channel in orders[others[0]] if given[row, channel]]
        source = _mean([selected[index] for index in others])
        terms.append([term for term in ((selected[row], own), (source, got)) if term[1]])
    return terms


def channels_of(x):
    """A tensor as `Channels`."""
    return x if isinstance(x, Channels) else Channels(lambda _: [x], in_part=False)


def whole(x):
    """The tensor of all channels."""
    return x.part() if isinstance(x, Channels) else x


def take(x, channels, axis=-1):
    """Some channels of a weight, or all of it."""
    return ops.convert_to_tensor(x) if channels is None else tf.gather(x, channels, axis=axis)


def _place(keep, row, channel):
    """Sorts a branch's own channels to the front, and there those that another reads, too, to the
    end: with two branches whatever is read lies side by side."""
    return not keep[row, channel], not keep[:, channel].all(), *keep[:, channel]


def _mean(sources):
    if len(sources) == 1:
        return sources[0]
    return Channels(
        lambda channels: [
            functools.reduce(operator.add, (x.part(channels) for x in sources)) / len(sources)
        ]
    )


def _biased(layer, addends, channels):
    if layer.use_bias:
        addends[0] = addends[0] + take(layer.bias, channels)
    return addends


def _is_plain(layer):
    linear = layer.activation in (None, keras.activations.linear)
    return linear and layer.data_format == "channels_last"


def _how(layer):
    return {
        "strides": layer.strides,
        "padding": layer.padding,
        "dilation_rate": layer.dilation_rate,
        "data_format": layer.data_format,
    }


def _key(channels):
    return None if channels is None else tuple(channels)


def _once(made, key, make):
    if key not in made:
        made[key] = make()
    return made[key]
