import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import only_present, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class ConcatenateModalities(ModalityLayer):
    """Puts the modalities of each example behind one another in the channels: one stream.

    Where an example does not have a modality, or `select` has left it out, zeros stand in its
    place, so that what follows keeps its weights.

    Args:
        modalities: Number of modalities M.

    Call arguments:
        inputs: Folded tensor.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        `(batch, ..., modalities * channels)`.

    Example:

    >>> keras_asym.layers.ConcatenateModalities(2)(keras.ops.ones((4, 8, 8, 3))).shape
    (2, 8, 8, 6)
    """

    def call(self, inputs, presence=None):
        x = only_present(split_axis(inputs, self.count), presence)
        parts = dict(zip(self.rows, ops.unstack(x, num=self.count, axis=1), strict=True))
        absent = ops.zeros_like(x[:, 0])
        return ops.concatenate([parts.get(row, absent) for row in range(self.modalities)], axis=-1)

    def compute_output_shape(self, input_shape):
        batch = self.batch_size_of(input_shape)
        channels = input_shape[-1] * self.modalities
        return (batch, *input_shape[1:-1], channels)
