import keras
from keras import ops

from keras_asym.layers.modality_normalization import ModalityNormalization


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityRMSNormalization(ModalityNormalization):
    """Normalization by the root mean square, with a private gamma for each modality.

    `x / sqrt(mean(x^2) + epsilon) * gamma` over the axes `axis`, as in
    `keras.layers.RMSNormalization`, whose `scale` is called gamma here.

    Args:
        modalities: Number of modalities M.
        axis: Axis or list of axes of the folded input to normalize over; not the first.
        epsilon: Added to the mean square.
        gamma_initializer: Initializer of gamma.
        gamma_regularizer: Regularizer of the `(modalities, ...)` weight.
        gamma_constraint: Constraint of the same weight.

    Call arguments:
        inputs: Folded tensor.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Example:

    >>> keras_asym.layers.ModalityRMSNormalization(2)(keras.ops.ones((4, 16, 3))).shape
    (4, 16, 3)
    """

    def __init__(
        self,
        modalities,
        axis=-1,
        epsilon=1e-6,
        gamma_initializer="ones",
        gamma_regularizer=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(
            modalities,
            axis,
            epsilon,
            center=False,
            scale=True,
            beta_initializer="zeros",
            gamma_initializer=gamma_initializer,
            beta_regularizer=None,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=None,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )

    def call(self, inputs):
        x = self.unfolded(inputs)
        axes = [axis + 1 for axis in self.axis]
        scale = ops.rsqrt(ops.mean(ops.square(x), axes, keepdims=True) + self.epsilon)
        return self.folded(x * scale * self.beside(self.gamma, x))

    def get_config(self):
        config = {**super().get_config(), "axis": self.axis}
        absent = ("center", "scale", "beta_initializer", "beta_regularizer", "beta_constraint")
        return {name: value for name, value in config.items() if name not in absent}
