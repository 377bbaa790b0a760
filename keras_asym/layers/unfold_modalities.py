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

    Input shape:
        `(batch * modalities, height, width, channels)`.

    Output shape:
        List of M times `(batch, height, width, channels)`.

    Example:

    >>> rgb, depth = keras_asym.layers.UnfoldModalities(2)(keras.ops.zeros((4, 8, 8, 3)))
    >>> rgb.shape
    (2, 8, 8, 3)
    """

    mixes_modalities = False

    def call(self, inputs):
        return unfold(inputs, self.count)

    def compute_output_shape(self, input_shape):
        batch = self.batch_size_of(input_shape)
        return [(batch, *input_shape[1:])] * self.count

    def compute_output_spec(self, inputs):
        shapes = self.compute_output_shape(inputs.shape)
        return [keras.KerasTensor(shape, dtype=inputs.dtype) for shape in shapes]
