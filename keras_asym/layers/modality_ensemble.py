import keras
import numpy as np
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import beside, split_axis


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityEnsemble(ModalityLayer):
    """Weighs the branch outputs into one, by one learned number for each modality.

    `sum over m of softmax(alpha)[m] * stop_gradient(x[m])`: the ensemble's loss trains alpha alone
    (both papers; CEN, [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)). It is computed in
    float32 whatever the precision, as alpha's gradient is a sum over all pixels.

    Args:
        modalities: Number of modalities M.

    Call arguments:
        inputs: Folded tensor.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            The softmax is taken over these; an example without any gives not a number.

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

    def weights_of(self, presence=None):
        """softmax(alpha) over the modalities that are there.

        Args:
            presence: As in the call.

        Returns:
            `(count,)`, or `(batch, count)` where `presence` is given.
        """
        alpha = self.pick(self.alpha)
        alpha = ops.cast(alpha, keras.backend.result_type(alpha.dtype, "float32"))
        if presence is None:
            # Keras warns of a softmax over one number.
            return ops.ones((1,), alpha.dtype) if self.count == 1 else ops.softmax(alpha)
        largest = ops.max(ops.where(presence, alpha, -np.inf), axis=1, keepdims=True)
        powers = ops.exp(ops.where(presence, alpha - ops.stop_gradient(largest), -np.inf))
        return powers / ops.sum(powers, axis=1, keepdims=True)

    def call(self, inputs, presence=None):
        if self.count == 1 and presence is None:
            return inputs
        x = split_axis(ops.stop_gradient(inputs), self.count)
        x = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        shares = ops.cast(self.weights_of(presence), x.dtype)
        if presence is None:
            shares = ops.reshape(shares, (self.count, *(1,) * (len(x.shape) - 2)))
        else:
            shares = beside(shares, x)
        return ops.cast(ops.sum(x * shares, axis=1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        batch = None if input_shape[0] is None else input_shape[0] // self.count
        return (batch, *input_shape[1:])

    def compute_output_spec(self, inputs, presence=None):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)
