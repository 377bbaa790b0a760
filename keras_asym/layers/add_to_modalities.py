import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import merge_axis, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class AddToModalities(ModalityLayer):
    """Adds one stream, such as fused features, to each modality of the folded ones.

    Args:
        modalities: Number of modalities M.

    Call arguments:
        inputs: List of a folded tensor and one with an entry for each example.

    Input shape:
        `(batch * modalities, ...)` and `(batch, ...)`.

    Output shape:
        That of the first one.

    Example:

    >>> x, fused = keras.ops.ones((4, 8, 8, 3)), keras.ops.ones((2, 8, 8, 3))
    >>> keras_asym.layers.AddToModalities(2)([x, fused]).shape
    (4, 8, 8, 3)
    """

    def call(self, inputs):
        x, one = inputs
        return merge_axis(split_axis(x, self.count) + ops.expand_dims(one, 1))

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=self.compute_dtype)
