import keras
import numpy as np
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.layers.modality_normalization import ModalityNormalization
from keras_asym.ops import exchange_channels, merge_axis, split_axis
from keras_asym.regularizers import channel_shares

RULES = ("gamma", "rank", "all", "random")
SMALL = 1e-6  # a gamma that nothing is divided by


@keras.saving.register_keras_serializable(package="keras_asym")
class ChannelExchange(ModalityLayer, keras.layers.Wrapper):
    """Replaces the channels that a modality has given up by those of the other modalities.

    Channel c of modality m is given up when `|gamma[m, c]| < threshold` in the wrapped
    normalization; it becomes the mean of that channel, after normalization, in the other
    modalities (CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 6). An L1 penalty
    (`keras_asym.regularizers.ModalityShareL1`) is what drives gammas below the threshold.

    Args:
        layer: The normalization whose gamma is read: a `ModalityBatchNormalization`, for example,
            or a `ModalityLayerNormalization`, with `scale=True` and a gamma for each channel.
        threshold: The threshold theta; 2e-2 for segmentation, 1e-2 for translation in the paper.
        share_only: If `True`, a modality may only give up channels of its own share, the one that
            is penalized. The published code compares everywhere (`False`).
        rule: `"gamma"`, the paper's; `"rank"`, those of the own share whose gammas are the smallest
            in magnitude, as many as `rate` says; or one of the controls, which do not look at
            gamma: `"all"` channels are given up, or `"random"` ones, a share `rate` of each
            modality's, chosen once by `seed`. With `share_only` they are of the own share.
        rate: Share of the channels that `"random"` gives up, and `"rank"` of the own share, in
            0..1.
        seed: Seed of the choice.
        start_rate: Of `"rank"`: the share at the first training step, from which it goes to `rate`
            in a straight line over `steps`; `rate` from the first step on by default. Where the
            rate falls, exchanged channels get the gradient of gamma that they would have if they
            were kept, so that those come back which would help.
        steps: Training steps after which `rate` is reached. They are counted in the layer, which
            saves their number with its weights.

    Call arguments:
        inputs: Folded tensor.
        training: Passed on to the normalization.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            A channel is replaced by the mean over the *other present* modalities; alone, a modality
            keeps its own.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `layer` is not such a normalization, `threshold` is negative, `rule` is none
            of these, a rate is not in 0..1, or `start_rate` is given without `steps`.

    Example:

    >>> from keras_asym import layers, regularizers
    >>> norm = layers.ModalityBatchNormalization(
    ...     2, gamma_regularizer=regularizers.ModalityShareL1(6e-4))
    >>> layers.ChannelExchange(norm, threshold=2e-2)(keras.ops.ones((4, 8, 8, 6))).shape
    (4, 8, 8, 6)
    """

    def __init__(
        self,
        layer,
        threshold=2e-2,
        share_only=False,
        rule="gamma",
        rate=0.0,
        seed=0,
        start_rate=None,
        steps=0,
        **kwargs,
    ):
        if not getattr(layer, "scale", False) or not isinstance(layer, ModalityNormalization):
            raise ValueError(
                "`layer` must be a private normalization, such as a ModalityBatchNormalization, "
                f"with scale=True: the exchange reads its gamma. Received: layer={layer}"
            )
        if not threshold >= 0:
            raise ValueError(f"`threshold` must not be negative. Received: threshold={threshold}")
        check_rule(rule, rate, start_rate, steps)
        kwargs.setdefault("name", f"{layer.name}_exchange")
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer.modalities, layer=layer, **kwargs)
        self.threshold = float(threshold)
        self.share_only = share_only
        self.rule = rule
        self.rate = float(rate)
        self.seed = seed
        self.start_rate = start_rate
        self.steps = steps
        self.step = None

    def keep_mask(self):
        """Boolean `(modalities, channels)`: `True` where a modality keeps its own channel."""
        gamma = ops.convert_to_tensor(self.layer.gamma)
        if self.rule == "gamma":
            keep = ops.abs(gamma) >= self.threshold  # Eq. 6
        elif self.rule == "rank":
            keep = ops.logical_not(_smallest_of_share(gamma, self.rate_now()))
        elif self.rule == "all":
            keep = ops.zeros(gamma.shape, "bool")
        else:
            keep = ops.convert_to_tensor(~_random_channels(*gamma.shape, self.rate, self.seed))
        if self.share_only:
            keep = ops.logical_or(keep, ops.logical_not(channel_shares(*gamma.shape)))
        return keep

    def rate_now(self):
        """The rate of `"random"` and `"rank"` at this step of the training."""
        if self.step is None:
            return self.rate
        done = ops.cast(ops.convert_to_tensor(self.step), "float32") / self.steps
        return self.start_rate + (self.rate - self.start_rate) * ops.minimum(done, 1.0)

    def exchange_rate(self):
        """Share of exchanged channels for each modality, `(modalities,)` in 0..1."""
        if self.modalities == 1:
            return ops.zeros((1,))
        return 1.0 - ops.mean(ops.cast(self.keep_mask(), "float32"), axis=-1)

    def build(self, input_shape):
        keras.layers.Wrapper.build(self, input_shape)
        if self.layer.axis != [len(input_shape) - 1]:
            raise ValueError(
                "Channel exchange needs a gamma for each channel, the last axis. Received: "
                f"'{self.layer.name}', which normalizes the axes {self.layer.axis} of "
                f"{tuple(input_shape)}"
            )
        if self.start_rate is not None:
            self.step = self.add_weight(
                name="step",
                shape=(),
                dtype="int32",
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )

    def call(self, inputs, training=None, presence=None):
        x = self.layer(inputs, training=training, presence=presence)
        keep = self.pick(self.keep_mask())
        y = exchange_channels(x, keep, presence)
        if training and self._takes_back and self.count > 1:
            y = y + self._as_if_kept(x, keep)
        if training and self.step is not None and self.trainable:
            self.step.assign(self.step + 1)
        return y

    @property
    def _takes_back(self):
        return self.start_rate is not None and self.start_rate > self.rate

    def _as_if_kept(self, x, keep):
        """Zero, whose gradient by gamma is that of an exchanged channel if it were kept.

        A channel that would help again gets a larger gamma and comes back; without it nothing but
        the penalty would move the gammas of exchanged channels.
        """
        gamma, beta = (
            self.pick(w) if w is not None else 0.0 for w in (self.layer.gamma, self.layer.beta)
        )
        still = ops.stop_gradient(gamma)
        scale = ops.where(ops.abs(still) < SMALL, SMALL, still)
        zero = ops.where(keep, 0.0, (gamma - still) / scale)
        shape = (1, self.count, *(1,) * (len(x.shape) - 2), gamma.shape[-1])
        zero, beta = (ops.reshape(ops.cast(w, x.dtype), shape) for w in (zero, beta + 0 * still))
        own = split_axis(ops.stop_gradient(x), self.count) - ops.stop_gradient(beta)
        return merge_axis(zero * own)

    def get_config(self):
        config = super().get_config()
        config.pop("modalities")  # the normalization's
        return {
            **config,
            "threshold": self.threshold,
            "share_only": self.share_only,
            "rule": self.rule,
            "rate": self.rate,
            "seed": self.seed,
            "start_rate": self.start_rate,
            "steps": self.steps,
        }


def check_rule(rule, rate, start_rate=None, steps=0):
    """Raises `ValueError` unless there is such a rule of exchange."""
    if rule not in RULES:
        raise ValueError(f"`rule` must be one of {RULES}. Received: rule={rule!r}")
    check_rate("rate", rate)
    if start_rate is not None:
        check_rate("start_rate", start_rate)
    if start_rate is not None and (rule != "rank" or steps < 1):
        raise ValueError(
            '`start_rate` needs rule="rank" and the number of `steps` after which `rate` is '
            f"reached. Received: start_rate={start_rate}, rule={rule!r}, steps={steps}"
        )


def check_rate(name, value):
    """Raises `ValueError` unless an argument is a share."""
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be in 0..1. Received: {name}={value}")


def _smallest_of_share(gamma, rate):
    """Boolean `(modalities, channels)`: a share `rate` of the own share, by |gamma|.

    Among equal ones, as at the start, the first are taken. What cannot be divided is rounded down
    for some modalities and up for others, so that their mean has the rate.
    """
    modalities = gamma.shape[0]
    share = channel_shares(*gamma.shape)
    size = ops.where(share, ops.abs(ops.cast(gamma, "float32")), np.float32(np.inf))
    place = ops.argsort(ops.argsort(size, axis=-1), axis=-1)
    number = ops.sum(ops.cast(share, "float32"), axis=-1, keepdims=True)
    fractions = np.arange(0.5, modalities, dtype="float32").reshape(-1, 1) / modalities
    return ops.cast(place, "float32") < ops.floor(rate * number + fractions)


def _random_channels(modalities, channels, rate, seed):
    """Boolean `(modalities, channels)`: a share `rate` of each modality's channels."""
    rng = np.random.default_rng(seed)
    places = [rng.permutation(channels) for _ in range(modalities)]
    return np.stack(places) < round(rate * channels)
