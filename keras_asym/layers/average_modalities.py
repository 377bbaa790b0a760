import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import only_present, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class AverageModalities(ModalityLayer):
    """The mean of the modalities that an example has, or their sum: one stream.

    Args:
        modalities: Number of modalities M.
        reduction: `"mean"` or `"sum"`.

    Call arguments:
        inputs: Folded tensor.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.

    Input shape:
        `(batch * modalities, ...)`.

    Output shape:
        `(batch, ...)`.

    Raises:
        ValueError: If `reduction` is neither.

    Example:

    >>> keras_asym.layers.AverageModalities(2)(keras.ops.ones((4, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    def __init__(self, modalities, reduction="mean", **kwargs):
        super().__init__(modalities, **kwargs)
        if reduction not in ("mean", "sum"):
            raise ValueError(
                f'`reduction` must be "mean" or "sum". Received: reduction={reduction!r}'
            )
        self.reduction = reduction

    def call(self, inputs, presence=None):
        x = only_present(split_axis(inputs, self.count), presence)
        total = ops.sum(x, axis=1)
        if self.reduction == "sum":
            return total
        if presence is None:
            return total / self.count
        number = ops.maximum(ops.sum(ops.cast(presence, x.dtype), axis=1), 1)
        return total / ops.reshape(number, (-1, *(1,) * (len(x.shape) - 2)))

    def compute_output_shape(self, input_shape):
        batch = self.batch_size_of(input_shape)
        return (batch, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}
