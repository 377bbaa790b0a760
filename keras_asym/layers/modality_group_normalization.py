import keras
from keras import ops

from keras_asym.layers.modality_normalization import ModalityNormalization


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityGroupNormalization(ModalityNormalization):
    """Group normalization with private gamma and beta for each modality.

    Each group of neighbouring channels of each example is normalized by its own mean and variance,
    as in `keras.layers.GroupNormalization` on the last axis. A group for each channel is instance
    normalization, for which there is `ModalityInstanceNormalization`.

    Args:
        modalities: Number of modalities M.
        groups: Number of groups, which divides the number of channels.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        beta_initializer, gamma_initializer: Initializers of the parameters.
        beta_regularizer, gamma_regularizer: Regularizers of the `(modalities, channels)` weights.
        beta_constraint, gamma_constraint: Constraints of the same weights.

    Call arguments:
        inputs: Folded tensor.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `groups` does not divide the number of channels.

    Example:

    >>> layer = keras_asym.layers.ModalityGroupNormalization(2, groups=3)
    >>> layer(keras.ops.ones((4, 8, 8, 6))).shape
    (4, 8, 8, 6)
    """

    def __init__(
        self,
        modalities,
        groups=32,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(
            modalities,
            -1,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.groups = groups

    def build(self, input_shape):
        if self.groups < 1 or input_shape[-1] % self.groups:
            raise ValueError(
                "`groups` must divide the number of channels. Received: "
                f"groups={self.groups} and {input_shape[-1]} channels in layer '{self.name}'"
            )
        super().build(input_shape)

    def call(self, inputs):
        x = self.unfolded(inputs)
        *front, channels = ops.shape(x)
        grouped = ops.reshape(x, (*front, self.groups, channels // self.groups))
        axes = (*range(2, len(x.shape) - 1), len(x.shape))
        moments = ops.moments(grouped, axes, keepdims=True)
        shape = (-1, self.count, *(1,) * (len(x.shape) - 3), channels)
        mean, variance = (
            ops.reshape(ops.repeat(m, channels // self.groups, axis=-1), shape) for m in moments
        )
        return self.normalized(x, mean, variance)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
