import keras
from keras import initializers, ops

from keras_asym.layers.modality_normalization import ModalityNormalization
from keras_asym.ops import merge_axis, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityBatchNormalization(ModalityNormalization):
    """Batch normalization with private parameters and statistics for each modality.

    Convolutions shared by all modalities stay comparable because each modality keeps its own
    gamma, beta, moving mean and moving variance (AsymFusion,
    [arXiv 2108.05009](https://arxiv.org/abs/2108.05009); CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005), Eq. 3). Arguments and behaviour are those
    of `keras.layers.BatchNormalization` on the last axis; the moving variance is the biased one,
    as there (PyTorch keeps the unbiased one).

    Args:
        modalities: Number of modalities M.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.
        center: Whether beta is added.
        scale: Whether gamma multiplies.
        freeze_statistics: If `True`, the moving statistics are used and kept in training too,
            while gamma and beta still learn (the papers' segmentation runs). `trainable=False`
            freezes gamma and beta as well.
        synchronized: Whether batch statistics are taken over all replicas (TensorFlow only; they
            are global on other backends).
        beta_initializer, gamma_initializer: Initializers of the parameters.
        moving_mean_initializer, moving_variance_initializer: Initializers of the statistics.
        beta_regularizer, gamma_regularizer: Regularizers of the `(modalities, channels)` weights.
        beta_constraint, gamma_constraint: Constraints of the same weights.

    Call arguments:
        inputs: Folded tensor.
        training: Whether batch statistics are used and the moving ones updated.
        present: Tuple of the modality indices that the input holds; all by default.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `synchronized=True` is asked for off the TensorFlow backend.

    Example:

    >>> layer = keras_asym.layers.ModalityBatchNormalization(2)
    >>> layer(keras.ops.ones((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    >>> layer.gamma.shape
    (2, 3)
    """

    def __init__(
        self,
        modalities,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        freeze_statistics=False,
        synchronized=False,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
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
        if synchronized and keras.backend.backend() != "tensorflow":
            raise ValueError(
                "`synchronized=True` is only for the TensorFlow backend; statistics are global on "
                f"the others. Received: backend={keras.backend.backend()}"
            )
        self.momentum = float(momentum)
        self.freeze_statistics = freeze_statistics
        self.synchronized = synchronized
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape):
        super().build(input_shape)
        shape = (self.modalities, input_shape[-1])
        self.moving_mean = self.add_weight(
            name="moving_mean",
            shape=shape,
            initializer=self.moving_mean_initializer,
            trainable=False,
            autocast=False,
        )
        self.moving_variance = self.add_weight(
            name="moving_variance",
            shape=shape,
            initializer=self.moving_variance_initializer,
            trainable=False,
            autocast=False,
        )
        self.input_spec = keras.layers.InputSpec(ndim=len(input_shape), axes={-1: input_shape[-1]})

    def call(self, inputs, training=None, present=None):
        rows = self.rows(present)
        x = split_axis(ops.cast(inputs, "float32"), len(rows))
        if training and self.trainable and not self.freeze_statistics:
            axes = tuple(axis for axis in range(len(x.shape) - 1) if axis != 1)
            mean, variance = ops.moments(x, axes, synchronized=self.synchronized)
            self.update_moving(self.moving_mean, mean, rows)
            self.update_moving(self.moving_variance, variance, rows)
        else:
            mean = self.pick(self.moving_mean, present)
            variance = self.pick(self.moving_variance, present)

        broadcast = (len(rows), *(1,) * (len(x.shape) - 3), x.shape[-1])
        mean, variance = ops.reshape(mean, broadcast), ops.reshape(variance, broadcast)
        scale, offset = self.scale_and_offset(mean, variance, present, broadcast)
        return ops.cast(merge_axis(x * scale + offset), self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "freeze_statistics": self.freeze_statistics,
            "synchronized": self.synchronized,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
        }
