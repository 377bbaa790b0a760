import math

import keras
import numpy as np
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import beside, split_axis

KINDS = ("global", "class", "pixel")
"""What the weights of an ensemble can depend on."""
_UNITS = 16  # of the hidden layer of a modality's head
_LOWEST = -10.0  # log-probabilities below it look alike to a head


@keras.saving.register_keras_serializable(package="keras_asym")
class ModalityEnsemble(ModalityLayer):
    """Weighs the branch outputs into one, by learned weights that sum to 1 over the modalities.

    `sum over m of w[m] * stop_gradient(x[m])`, where `w` is a softmax over the modalities: the
    ensemble's loss trains the weights alone (both papers; CEN,
    [arXiv 2011.05005](https://arxiv.org/abs/2011.05005)). It is computed in float32 whatever the
    precision, as alpha's gradient is a sum over all pixels.

    Only `weights="global"` is the papers'. The other two are this package's own. Each starts as
    the mean of the branches:

    - `"global"`: `w = softmax(alpha)`, one number for each modality.
    - `"class"`: the same with a number for each modality and class.
    - `"pixel"`: each modality's score at a pixel is `alpha` and what a head of its own, two dense
      layers, makes of the branch's log-probabilities and of their entropy there. A score does not
      depend on the other modalities, so that any of them may be absent.

    Args:
        modalities: Number of modalities M.
        weights: `"global"`, `"class"` or `"pixel"`. The latter two are for logits.

    Call arguments:
        inputs: Folded tensor.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            The softmax is taken over these; an example without any gives not a number.

    Input shape:
        `(batch * modalities, ...)`; `(batch * modalities, ..., classes)` for logits.

    Output shape:
        `(batch, ...)`.

    Raises:
        ValueError: If `weights` is none of these; when built, if it is not `"global"` and the last
            axis does not hold at least two classes.

    Example:

    >>> keras_asym.layers.ModalityEnsemble(2)(keras.ops.ones((4, 8, 8, 5))).shape
    (2, 8, 8, 5)
    >>> layer = keras_asym.layers.ModalityEnsemble(2, weights="pixel")
    >>> logits = keras.ops.ones((4, 8, 8, 5))
    >>> layer(logits).shape
    (2, 8, 8, 5)
    >>> layer.weights_of(inputs=logits).shape
    (2, 2, 8, 8, 1)
    """

    mixes_modalities = False  # not in what becomes of the branches

    def __init__(self, modalities, weights="global", **kwargs):
        super().__init__(modalities, **kwargs)
        if weights not in KINDS:
            raise ValueError(f"`weights` must be one of {KINDS}. Received: weights={weights!r}")
        self.kind = weights  # `weights` are all variables of a layer in Keras

    def build(self, input_shape):
        classes = input_shape[-1]
        if self.kind != "global" and (len(input_shape) < 2 or classes is None or classes < 2):
            raise ValueError(
                f'`weights="{self.kind}"` needs logits, with at least 2 classes on the last axis; '
                f'other outputs take weights="global". Received: an input of shape {input_shape} '
                f"for layer '{self.name}'"
            )
        own = (classes,) if self.kind == "class" else ()
        self.alpha = self._add("alpha", own, "ones")
        if self.kind == "pixel" and self.modalities > 1:
            # The fans of one head, not those of all modalities together.
            limit = math.sqrt(6 / (classes + 1 + _UNITS))
            uniform = keras.initializers.RandomUniform(-limit, limit)
            self.hidden_kernel = self._add("hidden_kernel", (classes + 1, _UNITS), uniform)
            self.hidden_bias = self._add("hidden_bias", (_UNITS,), "zeros")
            self.score_kernel = self._add("score_kernel", (_UNITS,), "zeros")  # starts as the mean

    def _add(self, name, shape, initializer):
        return self.add_weight(
            name=name,
            shape=(self.modalities, *shape),
            initializer=initializer,
            trainable=self.modalities > 1,  # one branch alone has weight 1 whatever alpha is
            autocast=False,
        )

    def weights_of(self, presence=None, inputs=None):
        """The weights, a softmax over the modalities that are there.

        Args:
            presence: As in the call.
            inputs: As in the call; only `"pixel"` needs them.

        Returns:
            `(count,)`, or `(batch, count)` where `presence` is given; `"class"` has an axis more,
            `(..., count, classes)`. With `"pixel"` always `(batch, count, ..., 1)`.
        """
        if self.kind == "pixel":
            if inputs is None:
                raise ValueError(
                    '`inputs` must be given, the folded logits: with weights="pixel" the weights '
                    "depend on them. Received: inputs=None"
                )
            return self._shares(self._unfolded(inputs), presence)
        shares = self._shares(None, presence)
        return shares[0] if presence is None else shares

    def call(self, inputs, presence=None):
        if self.count == 1 and presence is None:
            return inputs
        x = self._unfolded(inputs)
        shares = ops.cast(self._shares(x, presence), x.dtype)
        if self.kind != "pixel":
            between = (1,) * (len(x.shape) - len(shares.shape))
            shares = ops.reshape(shares, (-1, self.count, *between, *shares.shape[2:]))
        return ops.cast(ops.sum(x * shares, axis=1), self.compute_dtype)

    def _unfolded(self, inputs):
        x = split_axis(ops.stop_gradient(inputs), self.count)
        return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))

    def _picked(self, weight):
        value = self.pick(weight)
        return ops.cast(value, keras.backend.result_type(value.dtype, "float32"))

    def _pixel_scores(self, x):
        """Scores `(batch, count, ..., 1)` of logits `(batch, count, ..., classes)`."""
        alpha = self._picked(self.alpha)
        if self.modalities == 1:
            return ops.zeros_like(x[..., :1]) + alpha[0]
        logs = ops.log_softmax(x, axis=-1)
        entropy = -ops.sum(ops.exp(logs) * logs, axis=-1, keepdims=True)
        # Both in a range of length 1, whatever the logits and the number of classes.
        parts = [ops.maximum(logs, _LOWEST) / -_LOWEST, entropy / math.log(x.shape[-1])]
        features = ops.concatenate(parts, axis=-1)
        kernels, biases = self._picked(self.hidden_kernel), self._picked(self.hidden_bias)
        ends = self._picked(self.score_kernel)
        scores = []
        for row, y in enumerate(ops.unstack(features, num=self.count, axis=1)):
            hidden = ops.tanh(ops.matmul(y, kernels[row]) + biases[row])
            scores.append(alpha[row] + ops.matmul(hidden, ends[row][:, None]))
        return ops.stack(scores, axis=1)

    def _shares(self, x, presence):
        """Weights `(batch or 1, count, ...)`; only `"pixel"` looks at `x`, the unfolded logits."""
        pixel = self.kind == "pixel"
        scores = self._pixel_scores(x) if pixel else self._picked(self.alpha)[None]
        if presence is not None:
            scores = ops.where(beside(presence, scores), scores, -np.inf)
        powers = ops.exp(scores - ops.stop_gradient(ops.max(scores, axis=1, keepdims=True)))
        return powers / ops.sum(powers, axis=1, keepdims=True)

    def compute_output_shape(self, input_shape):
        batch = self.batch_size_of(input_shape)
        return (batch, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "weights": self.kind}
