import keras
from keras import ops

from keras_asym.keras_internals import operation_of, sublayers
from keras_asym.layers import ModalityEnsemble, ModalityLayer
from keras_asym.models.auxiliary import split_outputs
from keras_asym.ops import merge_axis, place_among_replicas

UNIFORM = "uniform"


class ModalityDropout(keras.layers.Layer):
    """Leaves modalities out of examples at random, in training: makes a presence mask.

    What a network is to do without at test time it has to miss in training (ModDrop, Neverova et
    al. 2016, [arXiv 1501.00102](https://arxiv.org/abs/1501.00102), section 4). Nothing is filled
    with zeros: the mask says who is there, see `FoldModalities`. Each example keeps one modality at
    least of those that it has.

    Replicas draw what one device draws for the global batch, as long as each has as many examples.

    Args:
        modalities: Number of modalities M.
        rate: Probability that an example lacks a modality: a number for all, or one for each; or
            `"uniform"`, by which all subsets but the empty one are equally likely.
        seed: Integer seed. The state of the generator is saved with the model's variables.

    Call arguments:
        presence: Boolean `(batch, modalities)`: which modalities each example has.
        training: Whether any are left out.

    Output shape:
        That of `presence`.

    Raises:
        ValueError: If `rate` is no probability below 1, not one for each modality, or no such word.
    """

    def __init__(self, modalities, rate, seed=None, **kwargs):
        kwargs.setdefault("dtype", "float32")  # draws, whatever the model computes in
        super().__init__(**kwargs)
        self.modalities = modalities
        self.rate = rate
        self.rates = None if rate == UNIFORM else _checked_rates(rate, modalities)
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, presence, training=None):
        if not training:
            return presence
        draws = self._draws(ops.shape(presence)[0])
        if self.rates is None:
            chances, kept = draws, self._subset(draws[:, 0])
        else:
            chances = draws - ops.convert_to_tensor(self.rates, draws.dtype)
            kept = chances >= 0
        kept = kept & presence
        # If none is left, the one that came nearest to staying.
        chances = ops.where(presence, chances, -2.0)
        nearest = ops.one_hot(ops.argmax(chances, axis=1), self.modalities, dtype="bool")
        alone = ops.logical_not(ops.any(kept, axis=1, keepdims=True))
        return kept | (alone & nearest & presence)

    def _draws(self, examples):
        """Numbers in [0, 1): this replica's rows of those of the global batch."""
        index, count = place_among_replicas()
        draws = keras.random.uniform((count * examples, self.modalities), seed=self.generator)
        return draws[index * examples : (index + 1) * examples]

    def _subset(self, draws):
        """Boolean `(batch, modalities)`: the binary digits of a number in 1..2^M - 1."""
        count = 2**self.modalities - 1
        number = 1 + ops.cast(ops.minimum(ops.floor(draws * count), count - 1), "int32")
        digits = ops.right_shift(number[:, None], ops.arange(self.modalities, dtype="int32"))
        return ops.equal(digits % 2, 1)


def _checked_rates(rate, modalities):
    """A probability for each modality."""
    rates = list(rate) if isinstance(rate, list | tuple) else [rate] * modalities
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in rates)
    if len(rates) != modalities or not numbers or not all(0 <= x < 1 for x in rates):
        raise ValueError(
            "`rate` must be a probability of at least 0 and below 1, one for each of the "
            f'{modalities} modalities, or "uniform". Received: rate={rate!r}'
        )
    return [float(x) for x in rates]


def meets_in_ensemble_alone(network):
    """Whether the modalities of a multimodal network see one another in its ensemble alone.

    Of a graph with operations that are no layers it is not known, and not said.
    """
    known = all(isinstance(each, keras.layers.Layer) for each in network.operations)
    known = known and isinstance(_mix(network), ModalityEnsemble)
    layers = [layer for layer in sublayers(network) if isinstance(layer, ModalityLayer)]
    return known and not any(layer.mixes_modalities for layer in layers)


def ensemble_of(network, branches, presence):
    """The output `"ensemble"` of a multimodal network of some of its branches.

    Args:
        network: Multimodal network.
        branches: List of the logits of all branches, `(batch, height, width, num_classes)`.
        presence: Boolean `(batch, modalities)`: which of them each example's ensemble has.
    """
    return _mix(network)(merge_axis(ops.stack(branches, axis=1)), presence=presence)


def _mix(network):
    """The layer of the output `"ensemble"`, which may be a list where modalities are merged."""
    return operation_of(split_outputs(network.output["ensemble"])[0])
