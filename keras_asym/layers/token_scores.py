import itertools

import keras
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.layers.modality_layer_normalization import ModalityLayerNormalization
from keras_asym.ops import fold, unfold


@keras.saving.register_keras_serializable(package="keras_asym")
class TokenScores(ModalityLayer):
    """Says of each token of each modality how much it matters, a number in 0..1.

    Layer normalization, linear layers C -> C -> C / 2 -> C / 4 -> 2 with exact GELU in between, and
    the first of the softmax over the two; all with weights of each modality's own, stacked on the
    first axis. It is the score predictor of TokenFusion
    ([arXiv 2204.08721](https://arxiv.org/abs/2204.08721), section 3.2), which gives every token
    about 0.5 at the start. `TokenExchange` uses the scores.

    Args:
        modalities: Number of modalities M.
        epsilon: Epsilon of the normalization.

    Call arguments:
        inputs: Folded tensor.

    Input shape:
        `(batch * modalities, ..., channels)`.

    Output shape:
        `(batch * modalities, ..., 1)`.

    Example:

    >>> keras_asym.layers.TokenScores(2)(keras.ops.ones((4, 8, 8, 16))).shape
    (4, 8, 8, 1)
    """

    def __init__(self, modalities, epsilon=1e-5, **kwargs):
        super().__init__(modalities, **kwargs)
        self.epsilon = float(epsilon)
        self.norm = ModalityLayerNormalization(
            self.modalities, epsilon=self.epsilon, name="norm", dtype=self.dtype_policy
        )
        self.kernels, self.biases = [], []

    def build(self, input_shape):
        self.norm.build(input_shape)
        channels = input_shape[-1]
        sizes = (channels, channels, max(1, channels // 2), max(1, channels // 4), 2)
        normal = keras.initializers.RandomNormal(stddev=0.02)  # as all linear layers of a MiT
        for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes), 1):
            shape = (self.modalities, inputs, outputs)
            initializer = normal.clone()
            kernel = self.add_weight(name=f"kernel{i}", shape=shape, initializer=initializer)
            shape = (self.modalities, outputs)
            bias = self.add_weight(name=f"bias{i}", shape=shape, initializer="zeros")
            self.kernels.append(kernel)
            self.biases.append(bias)

    def call(self, inputs):
        kernels, biases = ([self.pick(w) for w in ws] for ws in (self.kernels, self.biases))
        scores = []
        for row, y in enumerate(unfold(self.norm(inputs), self.count)):
            for place, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
                y = ops.gelu(y, approximate=False) if place else y
                y = ops.matmul(y, kernel[row]) + bias[row]
            one, other = ops.split(y, 2, axis=-1)
            scores.append(ops.sigmoid(one - other))  # the first of a softmax over two
        return fold(scores)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
