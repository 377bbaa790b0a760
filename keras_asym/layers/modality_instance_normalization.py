import keras
from keras import initializers, ops, regularizers

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import merge_axis, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityInstanceNormalization(ModalityLayer):
    """Instance normalization with private gamma and beta for each modality.

    Each channel of each example is normalized by its own mean and variance over height and width,
    in training and at test time alike (CEN's image translation,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)).

    Args:
        modalities: Number of modalities M.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        beta_initializer, gamma_initializer: Initializers of the parameters.
        beta_regularizer, gamma_regularizer: Regularizers of the `(modalities, channels)` weights.

    Call arguments:
        inputs: Folded tensor.
        training: Has no effect: the statistics are always the instance's.
        present: Tuple of the modality indices that the input holds; all by default.

    Input shape:
        `(batch * modalities, height, width, channels)`.

    Output shape:
        That of the input.

    Example:

    >>> layer = keras_asym.layers.ModalityInstanceNormalization(2)
    >>> layer(keras.ops.ones((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    """

    def __init__(
        self,
        modalities,
        epsilon=1e-5,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        **kwargs,
    ):
        super().__init__(modalities, **kwargs)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.gamma = None
        self.beta = None

    def build(self, input_shape):
        shape = (self.modalities, input_shape[-1])
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                autocast=False,
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: input_shape[-1]})

    def call(self, inputs, training=None, present=None):
        rows = self.rows(present)
        x = split_axis(ops.cast(inputs, "float32"), len(rows))
        mean, variance = ops.moments(x, axes=(2, 3), keepdims=True)
        scale = ops.rsqrt(variance + self.epsilon)
        broadcast = (len(rows), 1, 1, x.shape[-1])
        if self.scale:
            scale = scale * ops.reshape(self.pick(self.gamma, present), broadcast)
        offset = -mean * scale
        if self.center:
            offset = offset + ops.reshape(self.pick(self.beta, present), broadcast)
        return ops.cast(merge_axis(x * scale + offset), self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
        }
