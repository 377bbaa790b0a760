import keras

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import unfold


@keras.saving.register_keras_serializable(package="keras_asym")
class UnfoldModalities(ModalityLayer):
    """Takes the modalities out of the batch axis again, undoing `FoldModalities`.

    Args:
        modalities: Number of modalities M.

    Call arguments:
        inputs: Folded tensor.
        present: Tuple of the modality indices that the input holds; all by default.

    Input shape:
        `(batch * modalities, height, width, channels)`.

    Output shape:
        List of M times `(batch, height, width, channels)`.

    Example:

    >>> rgb, depth = keras_asym.layers.UnfoldModalities(2)(keras.ops.zeros((4, 8, 8, 3)))
    >>> rgb.shape
    (2, 8, 8, 3)
    """

    def call(self, inputs, present=None):
        return unfold(inputs, len(self.rows(present)))

    def compute_output_shape(self, input_shape):
        return [self._shape(input_shape, self.modalities)] * self.modalities

    def compute_output_spec(self, inputs, present=None):
        count = len(self.rows(present))
        shape = self._shape(inputs.shape, count)
        return [keras.KerasTensor(shape, dtype=inputs.dtype) for _ in range(count)]

    def _shape(self, shape, count):
        return (None if shape[0] is None else shape[0] // count, *shape[1:])
