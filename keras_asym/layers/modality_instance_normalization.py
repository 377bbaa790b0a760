import keras
from keras import ops

from keras_asym.layers.modality_normalization import ModalityNormalization


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityInstanceNormalization(ModalityNormalization):
    """Instance normalization with private gamma and beta for each modality.

    Each channel of each example is normalized by its own mean and variance over height and width,
    as in CEN's image translation at test time, too
    ([arXiv 2011.05005](https://arxiv.org/abs/2011.05005)).

    Args:
        modalities: Number of modalities M.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        beta_initializer, gamma_initializer: Initializers of the parameters.
        beta_regularizer, gamma_regularizer: Regularizers of the `(modalities, channels)` weights.
        beta_constraint, gamma_constraint: Constraints of the same weights.
        instance_statistics: Whether the instance's own statistics are used at test time, too. If
            `False`, moving averages over the training instances are kept and used there.
        momentum: Of the moving averages; 0.9 is PyTorch's 0.1. Like Keras' batch normalization and
            unlike PyTorch, the moving variance averages the biased variance.

    Call arguments:
        inputs: Folded tensor.
        training: Whether the moving averages are updated; without them it has no effect.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            Only these move the averages.

    Input shape:
        `(batch * modalities, ..., channels)`.

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
        beta_constraint=None,
        gamma_constraint=None,
        instance_statistics=True,
        momentum=0.9,
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

        self.instance_statistics = instance_statistics
        self.momentum = float(momentum)

    def build(self, input_shape):
        super().build(input_shape)
        if not self.instance_statistics:
            self.add_moving_statistics(input_shape[-1], "zeros", "ones")

    def call(self, inputs, training=None, presence=None):
        x = self.unfolded(inputs)
        shape = (self.count, *(1,) * (len(x.shape) - 3), x.shape[-1])
        learns = training and self.trainable
        presence = self.presence_here(presence)
        if learns or self.instance_statistics:
            mean, variance = ops.moments(x, tuple(range(2, len(x.shape) - 1)), keepdims=True)
            if not self.instance_statistics:
                for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                    value = ops.reshape(value, (-1, self.count, x.shape[-1]))
                    if presence is None:
                        self.update_moving(moving, ops.mean(value, axis=0))
                    else:
                        self.update_moving(moving, *self.mean_of_present(value, presence))
        else:
            moving = self.pick(self.moving_mean), self.pick(self.moving_variance)
            mean, variance = (ops.reshape(ops.cast(m, x.dtype), shape) for m in moving)
        return self.normalized(x, mean, variance)

    def get_config(self):
        return {
            **super().get_config(),
            "instance_statistics": self.instance_statistics,
            "momentum": self.momentum,
        }
