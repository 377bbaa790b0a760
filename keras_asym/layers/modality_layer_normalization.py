import keras
from keras import ops

from keras_asym.layers.modality_normalization import ModalityNormalization


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityLayerNormalization(ModalityNormalization):
    """Layer normalization with private gamma and beta for each modality.

    Each example, or each token of it, is normalized by its own mean and variance over the axes
    `axis`, as in `keras.layers.LayerNormalization`. Shared transformers keep their modalities apart
    by nothing but these (TokenFusion, [arXiv 2204.08721](https://arxiv.org/abs/2204.08721)).

    Args:
        modalities: Number of modalities M.
        axis: Axis or list of axes of the folded input to normalize over; not the first.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        beta_initializer, gamma_initializer: Initializers of the parameters.
        beta_regularizer, gamma_regularizer: Regularizers of the `(modalities, ...)` weights.
        beta_constraint, gamma_constraint: Constraints of the same weights.

    Call arguments:
        inputs: Folded tensor.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Example:

    >>> layer = keras_asym.layers.ModalityLayerNormalization(2)
    >>> layer(keras.ops.ones((4, 16, 3))).shape
    (4, 16, 3)
    >>> layer.gamma.shape
    (2, 3)
    """

    def __init__(
        self,
        modalities,
        axis=-1,
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
            axis,
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

    def call(self, inputs):
        x = self.unfolded(inputs)
        axes = [axis + 1 for axis in self.axis]
        return self.normalized(x, *ops.moments(x, axes, keepdims=True))

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
