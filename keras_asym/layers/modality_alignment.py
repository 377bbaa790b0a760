import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import only_present, split_axis

# Widths of the Gaussians, as parts of the mean squared distance.
_WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityAlignment(ModalityLayer):
    """Adds a loss that draws the features of the modalities towards one distribution.

    The loss is `weight` times the squared maximum mean discrepancy (Gretton et al. 2012,
    [JMLR 13](https://jmlr.org/papers/v13/gretton12a.html), Eq. 5) of each pair of modalities, on
    features pooled over height and width, with a sum of Gaussian kernels whose widths follow the
    mean squared distance in the batch. Nothing else changes. A batch of one example has no
    distribution: its loss is that of the distance of its features.

    Args:
        modalities: Number of modalities M. With one there is no loss.
        weight: Weight of the loss.

    Call arguments:
        inputs: Folded tensor.
        training: Whether the loss is added.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            What is absent has no part in the loss.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `weight` is negative.

    Example:

    >>> layer = keras_asym.layers.ModalityAlignment(2, weight=0.1)
    >>> outputs = layer(keras.ops.ones((4, 8, 8, 3)), training=True)
    >>> float(layer.losses[0])
    0.0
    """

    def __init__(self, modalities, weight=1.0, **kwargs):
        super().__init__(modalities, **kwargs)
        if not weight >= 0:
            raise ValueError(f"`weight` must not be negative. Received: weight={weight}")
        self.weight = float(weight)

    def call(self, inputs, training=None, presence=None):
        if training and self.count > 1:
            self.add_loss(self.weight * self._discrepancy(inputs, presence))
        return inputs

    def _discrepancy(self, inputs, presence):
        """Sum of the squared discrepancies of all pairs of modalities."""
        x = split_axis(ops.cast(inputs, "float32"), self.count)
        positions = tuple(range(2, len(x.shape) - 1))
        x = ops.mean(x, axis=positions) if positions else x  # (batch, count, channels)
        here = ops.ones_like(x[:, :, 0]) if presence is None else ops.cast(presence, x.dtype)
        x = only_present(x, presence)
        features = ops.unstack(x, num=self.count, axis=1)
        present = ops.unstack(here, num=self.count, axis=1)
        total = ops.zeros((), x.dtype)
        for i in range(self.count):
            for j in range(i):
                total = total + _squared_discrepancy(
                    features[i], features[j], present[i], present[j]
                )
        return total

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


def _squared_discrepancy(a, b, here_a, here_b):
    """Of two sets of features `(batch, channels)`, each entry of which counts by a weight."""
    both, here = ops.concatenate([a, b]), ops.concatenate([here_a, here_b])
    pairs = ops.expand_dims(here, 0) * ops.expand_dims(here, 1)
    squares = ops.sum(ops.square(both), axis=1)
    distances = ops.expand_dims(squares, 0) + ops.expand_dims(squares, 1)
    distances = ops.maximum(distances - 2 * ops.matmul(both, ops.transpose(both)), 0)
    scale = ops.sum(distances * pairs) / ops.maximum(ops.sum(pairs), 1)
    scale = ops.maximum(ops.stop_gradient(scale), keras.config.epsilon())
    kernels = sum(ops.exp(-distances / (width * scale)) for width in _WIDTHS) / len(_WIDTHS)
    number_a, number_b = ops.sum(here_a), ops.sum(here_b)
    means = ops.concatenate([here_a / ops.maximum(number_a, 1), -here_b / ops.maximum(number_b, 1)])
    value = ops.sum(kernels * ops.expand_dims(means, 0) * ops.expand_dims(means, 1))
    return ops.where(number_a * number_b > 0, value, 0.0)
