import functools

import keras
import numpy as np
from keras import ops

from keras_asym.layers.modality_layer import ModalityLayer
from keras_asym.ops import (
    any_other,
    beside,
    merge_axis,
    only_present,
    split_axis,
    sum_over_replicas,
)

REDUCTIONS = ("mean", "sum")
_TILE = 64  # rows of the partition before it repeats
_MOMENTUM = 0.9  # of the rate: that of some ten steps


@keras.saving.register_keras_serializable(package="keras_asym")
class TokenExchange(ModalityLayer):
    """Scales tokens by their scores, and replaces those that matter little by another modality's.

    With x the features and s the scores of `TokenScores`: `y[m] = x[m] * s[m]`, and where
    `s[m] < threshold` the token of `y[m]` becomes that of another modality's `x * s` at the same
    place (TokenFusion, [arXiv 2204.08721](https://arxiv.org/abs/2204.08721), Eq. 5 and 6). An L1
    penalty on the scores drives them below the threshold. A modality that is alone keeps its own
    tokens, scaled: a network that was trained with scores needs them.

    With two modalities the other one gives the token. With more, each modality's tokens are split
    into M - 1 equal groups, once and at random, and each group is bound to one of the others. The
    paper does not say how; here, so that the groups are equal and fixed for maps of any size, a
    row of tokens is cut into runs of M - 1, and the tokens of each run are given to the M - 1
    others in a random order, which depends on the seed, the modality, the row and the run alone
    and repeats after 64 rows and 64 runs.

    What `exchange_rate` gives is measured in training, as a moving average over some ten steps, and
    saved with the weights.

    Args:
        modalities: Number of modalities M.
        threshold: The threshold theta: 2e-2 in the paper's experiments. 0 exchanges nothing, and
            every token is exchanged above 1.
        l1: Weight of the penalty, which is added in training.
        reduction: What is made of the scores in the penalty: the `"mean"` over all tokens of all
            modalities and examples, which does not depend on the resolution, or the published
            `"sum"`. Scores of what is absent have no part in it.
        seed: Seed of the groups.
        scale_alone: Whether the tokens of a modality that is alone are scaled, too. Can be changed
            later: `layer.scale_alone = False` shows that nothing but the scores has changed it.

    Call arguments:
        inputs: List of the folded features and their folded scores.
        training: Whether the penalty is added and the rate measured.
        presence: Boolean `(batch, modalities)`: which modalities each example has; `None` for all.
            A token is not taken from a modality that is absent: it is only scaled.

    Input shape:
        `(batch * modalities, height, width, channels)` or `(batch * modalities, tokens, channels)`,
        and the same with one channel.

    Output shape:
        That of the features.

    Raises:
        ValueError: If `threshold` or `l1` is negative or `reduction` is neither; when built, if the
            inputs have other shapes.

    Example:

    >>> features, scores = np.ones((2, 2, 3), "float32"), np.array([0.5, 0.01, 0.01, 0.25])
    >>> layer = keras_asym.layers.TokenExchange(2)
    >>> y = layer([features, scores.reshape(2, 2, 1).astype("float32")])
    >>> np.array(y)[..., 0].tolist()
    [[0.5, 0.25], [0.5, 0.25]]
    """

    def __init__(
        self,
        modalities,
        threshold=2e-2,
        l1=0.0,
        reduction="mean",
        seed=0,
        scale_alone=True,
        **kwargs,
    ):
        super().__init__(modalities, **kwargs)
        check_settings(threshold, l1, reduction)
        self.threshold = float(threshold)
        self.l1 = float(l1)
        self.reduction = reduction
        self.seed = seed
        self.scale_alone = scale_alone
        self.measured_rate = None

    def exchange_rate(self):
        """Share of exchanged tokens for each modality, `(modalities,)` in 0..1; 0 before training.

        Tokens of what is absent have no part in it.
        """
        if self.measured_rate is None:
            return ops.zeros((self.modalities,))
        return ops.maximum(self._rates(), 0.0)

    def build(self, input_shape):
        features, scores = (tuple(shape) for shape in input_shape)
        if len(features) not in (3, 4) or scores != (*features[:-1], 1):
            raise ValueError(
                "`inputs` must be features (batch, height, width, channels) or (batch, tokens, "
                "channels), and a score for each token of them. "
                f"Received: shapes {features} and {scores} for layer '{self.name}'"
            )
        if self.modalities > 1:
            self.measured_rate = self.add_weight(
                name="measured_rate",
                shape=(self.modalities,),
                initializer=keras.initializers.Constant(-1.0),  # nothing was measured
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
            )

    def call(self, inputs, training=None, presence=None):
        if self.modalities == 1:
            return inputs[0]
        x, scores = (split_axis(y, self.count) for y in inputs)
        scaled = ops.unstack(x * scores, num=self.count, axis=1)
        exchanged = self._exchanged(scores, presence)
        tokens = []
        for place, taken in enumerate(exchanged):
            y = scaled[place]
            for other, wanted in taken:
                y = ops.where(wanted, scaled[other], y)
            tokens.append(y)
        if training:
            self._learn(scores, exchanged, presence)
        y = ops.stack(tokens, axis=1)
        if not self.scale_alone and presence is not None:
            y = ops.where(beside(any_other(presence), y), y, x)
        elif not self.scale_alone and self.count == 1:
            y = x
        return merge_axis(y)

    def exchanged_tokens(self, scores, presence=None):
        """Which tokens are replaced by another modality's.

        Args:
            scores: As in the call: folded, with one channel.
            presence: As in the call.

        Returns:
            Booleans of the scores' shape.
        """
        scores = split_axis(scores, self.count)
        return merge_axis(_from_any(self._exchanged(scores, presence), scores))

    def _exchanged(self, scores, presence):
        """For each modality the places of the others, and which tokens come from each of them."""
        low = scores < self.threshold
        found = []
        for place, row in enumerate(self.rows):
            taken = []
            for other, wanted in self._partners(row, scores):
                wanted = ops.logical_and(low[:, place], wanted)
                if presence is not None:
                    is_there = beside(presence, scores)[:, other]
                    wanted = ops.logical_and(wanted, is_there)
                taken.append((other, wanted))
            found.append(taken)
        return found

    def _partners(self, row, scores):
        """Places of the others, and which tokens of the modality `row` are bound to each."""
        groups = None if self.modalities == 2 else self._groups(row, scores)
        for steps in range(1, self.modalities):
            other = (row + steps) % self.modalities
            if other in self.rows:
                bound = True if groups is None else ops.equal(groups, steps - 1)
                yield self.rows.index(other), bound

    def _groups(self, row, scores):
        """Group of each token of a modality: integers `(height, width, 1)` or `(tokens, 1)`."""
        table = ops.convert_to_tensor(_partition(self.modalities, row, self.seed))
        sizes = (1, *ops.shape(scores)[2:-1])[-2:]  # a line of tokens is one row
        for axis, size in enumerate(sizes):
            places = ops.arange(size, dtype="int32") % table.shape[axis]
            table = ops.take(table, places, axis=axis)
        return ops.expand_dims(table if len(scores.shape) == 5 else table[0], -1)

    def _learn(self, scores, exchanged, presence):
        """Adds the penalty to the losses, and this batch to the rates.

        Args:
            scores: `(batch, modalities, ..., 1)`.
            exchanged: Result of `_exchanged`.
            presence: As in the call.
        """
        ones = ops.ones_like(scores, dtype="float32")
        replaced = ops.cast(_from_any(exchanged, scores), "float32")
        axes = (0, *range(2, len(scores.shape)))
        counts = [ops.sum(only_present(x, presence), axes) for x in (replaced, ones)]
        taken, number = ops.unstack(sum_over_replicas(ops.stack(counts)), 2)  # of each modality
        if self.l1:
            self.add_loss(self.l1 * self._penalty(scores, presence, ops.sum(number)))
        if self.trainable:
            self._measure(taken / ops.maximum(number, 1.0), number > 0)

    def _penalty(self, scores, presence, number):
        scores = ops.cast(scores, keras.backend.result_type(scores.dtype, "float32"))
        total = ops.sum(only_present(scores, presence))
        # Of all replicas, over which Keras takes the mean.
        total = total * sum_over_replicas(ops.ones((), total.dtype))
        if self.reduction == "sum":
            return total
        return total / ops.cast(ops.maximum(number, 1.0), total.dtype)

    def _measure(self, rates, there):
        all_before = self._rates()
        before = self.pick(all_before)
        first, there = ops.cast(before < 0, "float32"), ops.cast(there, "float32")
        share = (_MOMENTUM * first + 1.0 - _MOMENTUM) * there
        after = before + share * (rates - before)
        rows = [
            after[self.rows.index(row)] if row in self.rows else all_before[row]
            for row in range(self.modalities)
        ]
        self.measured_rate.assign(ops.cast(ops.stack(rows), self.measured_rate.dtype))

    def _rates(self):
        return ops.cast(ops.convert_to_tensor(self.measured_rate), "float32")

    def load_own_variables(self, store):
        if len(store.keys()):  # files of networks that measured no rate have nothing
            super().load_own_variables(store)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs, training=None, presence=None):
        return keras.KerasTensor(inputs[0].shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "threshold": self.threshold,
            "l1": self.l1,
            "reduction": self.reduction,
            "seed": self.seed,
            "scale_alone": self.scale_alone,
        }


def check_settings(threshold, l1, reduction, name_of_reduction="reduction"):
    """Raises `ValueError` unless there is such an exchange."""
    for name, value in (("threshold", threshold), ("l1", l1)):
        if not value >= 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value}")
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"`{name_of_reduction}` must be one of {REDUCTIONS}. "
            f"Received: {name_of_reduction}={reduction!r}"
        )


def _from_any(exchanged, scores):
    """Booleans of the scores' shape: which tokens come from any of the others."""
    nothing = ops.zeros_like(scores[:, 0], dtype="bool")
    rows = [
        functools.reduce(ops.logical_or, [wanted for _, wanted in taken], nothing)
        for taken in exchanged
    ]
    return ops.stack(rows, axis=1)


def _partition(modalities, row, seed):
    """Groups in 0..M - 2 of the tokens of one modality, `(64, 64 * (M - 1))`."""
    groups = modalities - 1
    # The raw numbers of a bit generator are the same in every release of NumPy.
    numbers = np.random.PCG64([seed, row]).random_raw(_TILE * _TILE * groups)
    order = np.argsort(numbers.reshape(_TILE, _TILE, groups), axis=-1)
    return order.reshape(_TILE, -1).astype("int32")
