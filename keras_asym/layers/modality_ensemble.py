import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityEnsemble(ModalityLayer):
    """Weighs the branch outputs into one, by one learned number for each modality.

    `sum over m of softmax(alpha)[m] * stop_gradient(x[m])`: the ensemble's loss trains alpha alone
    (both papers; CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)).

    Args:
        modalities: Number of modalities M.

    Call arguments:
        inputs: Folded tensor.
        present: Tuple of the modality indices that the input holds; all by default. The softmax
            is taken over these.

    Input shape:
        `(batch * modalities, ...)`.

    Output shape:
        `(batch, ...)`.

    Example:

    >>> keras_asym.layers.ModalityEnsemble(2)(keras.ops.ones((4, 8, 8, 5))).shape
    (2, 8, 8, 5)
    """

    def build(self, input_shape):
        self.alpha = self.add_weight(
            name="alpha",
            shape=(self.modalities,),
            initializer="ones",
            trainable=self.modalities > 1,  # one branch alone has weight 1 whatever alpha is
            autocast=False,
        )

    def weights_of(self, present=None):
        """softmax(alpha) over the modalities that are present, `(len(present),)`."""
        if len(self.rows(present)) == 1:
            return ops.ones((1,))  # Keras warns of a softmax over one number
        return ops.softmax(self.pick(self.alpha, present))

    def call(self, inputs, present=None):
        count = len(self.rows(present))
        if count == 1:
            return inputs
        x = split_axis(ops.stop_gradient(inputs), count)
        share = ops.cast(self.weights_of(present), x.dtype)
        share = ops.reshape(share, (count, *(1,) * (len(x.shape) - 2)))
        return ops.sum(x * share, axis=1)

    def compute_output_shape(self, input_shape):
        return self._shape(input_shape, self.modalities)

    def compute_output_spec(self, inputs, present=None):
        shape = self._shape(inputs.shape, len(self.rows(present)))
        return keras.KerasTensor(shape, dtype=inputs.dtype)

    def _shape(self, shape, count):
        return (None if shape[0] is None else shape[0] // count, *shape[1:])
