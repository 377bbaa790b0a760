import keras
from keras import ops

from keras_asym.layers.modality_normalization import ModalityNormalization
from keras_asym.ops import merge_axis, split_axis


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
        beta_constraint=None,
        gamma_constraint=None,
        instance_statistics=True,
        momentum=0.9,
        **kwargs,
    ):
        super().__init__(
            modalities,
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
            shape = (self.modalities, input_shape[-1])
            for name, initial in (("moving_mean", "zeros"), ("moving_variance", "ones")):
                weight = self.add_weight(
                    name=name, shape=shape, initializer=initial, trainable=False, autocast=False
                )
                setattr(self, name, weight)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: input_shape[-1]})

    def call(self, inputs, training=None, present=None):
        rows = self.rows(present)
        x = split_axis(ops.cast(inputs, "float32"), len(rows))
        broadcast = (len(rows), 1, 1, x.shape[-1])
        if training or self.instance_statistics:
            mean, variance = ops.moments(x, axes=(2, 3), keepdims=True)
            if training and not self.instance_statistics:
                self.update_moving(self.moving_mean, ops.mean(mean, axis=(0, 2, 3)), rows)
                self.update_moving(self.moving_variance, ops.mean(variance, axis=(0, 2, 3)), rows)
        else:
            mean = ops.reshape(self.pick(self.moving_mean, present), broadcast)
            variance = ops.reshape(self.pick(self.moving_variance, present), broadcast)
        scale, offset = self.scale_and_offset(mean, variance, present, broadcast)
        return ops.cast(merge_axis(x * scale + offset), self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "instance_statistics": self.instance_statistics,
            "momentum": self.momentum,
        }
