import keras
from keras import initializers, ops

from keras_asym.layers.modality_normalization import ModalityNormalization


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
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            Statistics are taken over the examples that have the modality; where none has it, the
            moving ones stay. In training, what an example does not have becomes 0.

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
        self.add_moving_statistics(
            input_shape[-1], self.moving_mean_initializer, self.moving_variance_initializer
        )

    def call(self, inputs, training=None, presence=None):
        x = self.unfolded(inputs)
        if training and self.trainable and not self.freeze_statistics:
            mean, variance, seen = self._moments(x, presence)
            self.update_moving(self.moving_mean, mean, seen)
            self.update_moving(self.moving_variance, variance, seen)
        else:
            mean, variance = self.pick(self.moving_mean), self.pick(self.moving_variance)
            seen = None
        shape = (self.count, *(1,) * (len(x.shape) - 3), x.shape[-1])
        mean, variance = (ops.reshape(ops.cast(m, x.dtype), shape) for m in (mean, variance))
        y = self.normalized(x, mean, variance)
        if seen is None:
            return y
        # A channel that is constant in all examples that have a modality has a variance of 0, and
        # blows up those that have it not: layer by layer, until they are not numbers. Such a one,
        # times 0, is still in every sum.
        here = ops.reshape(self.presence_here(presence), (-1, *(1,) * (len(y.shape) - 1)))
        return ops.where(here, y, ops.zeros_like(y))

    def _moments(self, x, presence):
        """Mean and variance `(count, channels)` of a batch, and which modalities it has."""
        positions = tuple(range(2, len(x.shape) - 1))
        presence = self.presence_here(presence)
        if presence is None and (self.synchronized or self.count == 1 or not positions):
            return *ops.moments(x, (0, *positions), synchronized=self.synchronized), None
        # Of each example first: there a modality's positions lie behind one another in memory.
        means, variances = ops.moments(x, positions) if positions else (x, ops.zeros_like(x))
        if presence is None:
            mean, between = ops.moments(means, 0)
            return mean, ops.mean(variances, 0) + between, None
        mean, seen = self.mean_of_present(means, presence, self.synchronized)
        variances = variances + ops.square(means - mean)
        return mean, self.mean_of_present(variances, presence, self.synchronized)[0], seen

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "freeze_statistics": self.freeze_statistics,
            "synchronized": self.synchronized,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
        }
