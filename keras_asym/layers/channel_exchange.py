import keras
from keras import ops

from keras_asym.ops import exchange_channels
from keras_asym.regularizers import channel_shares


@keras.saving.register_keras_serializable(package="keras_asym")
class ChannelExchange(keras.layers.Wrapper):
    """Replaces the channels that a modality has given up by those of the other modalities.

    Channel c of modality m is given up when `|gamma[m, c]| < threshold` in the wrapped
    normalization; it becomes the mean of that channel, after normalization, in the other
    modalities (CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 6). An L1 penalty
    (`keras_asym.regularizers.ModalityShareL1`) is what drives gammas below the threshold.

    Args:
        layer: The normalization whose gamma is read: a `ModalityBatchNormalization` or
            `ModalityInstanceNormalization` with `scale=True`.
        threshold: The threshold theta; 2e-2 for segmentation, 1e-2 for translation in the paper.
        share_only: If `True`, a modality may only give up channels of its own share, the one that
            is penalized. The published code compares everywhere (`False`).

    Call arguments:
        inputs: Folded tensor.
        training: Passed on to the normalization.
        present: Tuple of the modality indices that the input holds; all by default. A channel is
            replaced by the mean over the *other present* modalities; alone, a modality keeps its
            own.

    Input shape:
        `(batch * modalities, height, width, channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `layer` is not such a normalization or `threshold` is negative.

    Example:

    >>> from keras_asym import layers, regularizers
    >>> norm = layers.ModalityBatchNormalization(
    ...     2, gamma_regularizer=regularizers.ModalityShareL1(6e-4))
    >>> layers.ChannelExchange(norm, threshold=2e-2)(keras.ops.ones((4, 8, 8, 6))).shape
    (4, 8, 8, 6)
    """

    def __init__(self, layer, threshold=2e-2, share_only=False, **kwargs):
        kwargs.setdefault("name", f"{layer.name}_exchange")
        super().__init__(layer, **kwargs)
        if not getattr(layer, "scale", False) or not hasattr(layer, "modalities"):
            raise ValueError(
                "`layer` must be a ModalityBatchNormalization or ModalityInstanceNormalization "
                f"with scale=True: the exchange reads its gamma. Received: layer={layer}"
            )
        if not threshold >= 0:
            raise ValueError(f"`threshold` must not be negative. Received: threshold={threshold}")
        self.threshold = float(threshold)
        self.share_only = share_only

    @property
    def modalities(self):
        return self.layer.modalities

    def keep_mask(self):
        """Boolean `(modalities, channels)`: `True` where a modality keeps its own channel."""
        gamma = ops.convert_to_tensor(self.layer.gamma)
        keep = ops.abs(gamma) >= self.threshold  # Eq. 6
        if self.share_only:
            keep = ops.logical_or(keep, ops.logical_not(channel_shares(*gamma.shape)))
        return keep

    def exchange_rate(self):
        """Share of exchanged channels for each modality, `(modalities,)` in 0..1."""
        if self.modalities == 1:
            return ops.zeros((1,))
        return 1.0 - ops.mean(ops.cast(self.keep_mask(), "float32"), axis=-1)

    def call(self, inputs, training=None, present=None):
        keep = self.layer.pick(self.keep_mask(), present)
        return exchange_channels(self.layer(inputs, training=training, present=present), keep)

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, training=None, present=None):
        return keras.KerasTensor(inputs.shape, dtype=self.layer.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "threshold": self.threshold,
            "share_only": self.share_only,
        }
