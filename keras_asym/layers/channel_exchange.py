import keras
import numpy as np
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.layers.modality_normalization import ModalityNormalization
from keras_asym.ops import exchange_channels
from keras_asym.regularizers import channel_shares


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
        rule: `"gamma"`, the paper's; or one of the controls, which do not look at gamma: `"all"`
            channels are given up, or `"random"` ones, a share `rate` of each modality's, chosen
            once by `seed`. With `share_only` they are of the own share.
        rate: Share of the channels that `"random"` gives up, in 0..1.
        seed: Seed of the choice.

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
            of these, or `rate` is not in 0..1.

    Example:

    >>> from keras_asym import layers, regularizers
    >>> norm = layers.ModalityBatchNormalization(
    ...     2, gamma_regularizer=regularizers.ModalityShareL1(6e-4))
    >>> layers.ChannelExchange(norm, threshold=2e-2)(keras.ops.ones((4, 8, 8, 6))).shape
    (4, 8, 8, 6)
    """

    def __init__(
        self, layer, threshold=2e-2, share_only=False, rule="gamma", rate=0.0, seed=0, **kwargs
    ):
        if not getattr(layer, "scale", False) or not isinstance(layer, ModalityNormalization):
            raise ValueError(
                "`layer` must be a private normalization, such as a ModalityBatchNormalization, "
                f"with scale=True: the exchange reads its gamma. Received: layer={layer}"
            )
        if not threshold >= 0:
            raise ValueError(f"`threshold` must not be negative. Received: threshold={threshold}")
        check_rule(rule, rate)
        kwargs.setdefault("name", f"{layer.name}_exchange")
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer.modalities, layer=layer, **kwargs)
        self.threshold = float(threshold)
        self.share_only = share_only
        self.rule = rule
        self.rate = float(rate)
        self.seed = seed

    def keep_mask(self):
        """Boolean `(modalities, channels)`: `True` where a modality keeps its own channel."""
        gamma = ops.convert_to_tensor(self.layer.gamma)
        if self.rule == "gamma":
            keep = ops.abs(gamma) >= self.threshold  # Eq. 6
        elif self.rule == "all":
            keep = ops.zeros(gamma.shape, "bool")
        else:
            keep = ops.convert_to_tensor(~_random_channels(*gamma.shape, self.rate, self.seed))
        if self.share_only:
            keep = ops.logical_or(keep, ops.logical_not(channel_shares(*gamma.shape)))
        return keep

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

    def call(self, inputs, training=None, presence=None):
        x = self.layer(inputs, training=training, presence=presence)
        return exchange_channels(x, self.pick(self.keep_mask()), presence)

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
        }


def check_rule(rule, rate):
    """Raises `ValueError` unless there is such a rule of exchange."""
    if rule not in ("gamma", "all", "random"):
        raise ValueError(f'`rule` must be "gamma", "all" or "random". Received: rule={rule!r}')
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must be in 0..1. Received: rate={rate}")


def _random_channels(modalities, channels, rate, seed):
    """Boolean `(modalities, channels)`: a share `rate` of each modality's channels."""
    rng = np.random.default_rng(seed)
    places = [rng.permutation(channels) for _ in range(modalities)]
    return np.stack(places) < round(rate * channels)
