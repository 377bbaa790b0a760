import keras
import numpy as np
import pytest
from keras import ops

from keras_asym.layers import ModalityLayer
from keras_asym.ops import mean_of_others, merge_axis, split_axis
from keras_asym.testing import check_layer
from tests.helpers import images

registered = keras.saving.register_keras_serializable(package="tests")


def inputs(modalities):
    return images(3 * modalities, 4, 6)


@registered
class Gated(ModalityLayer):
    """A right one: adds the mean of the others, as much as a learned gate of each lets through."""

    def __init__(self, modalities, strength=1.0, **kwargs):
        super().__init__(modalities, **kwargs)
        self.strength = strength

    def build(self, input_shape):
        self.gate = self.add_weight(name="gate", shape=(self.modalities, input_shape[-1]))

    def call(self, inputs, presence=None):
        if self.count == 1:
            return inputs
        x = split_axis(inputs, self.count)
        others = self.others(x, presence)
        gate = ops.reshape(self.pick(self.gate), (self.count, 1, x.shape[-1]))
        return merge_axis(x + self.strength * ops.cast(gate, x.dtype) * others)

    def others(self, x, presence):
        return mean_of_others(x, presence)

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}


@registered
class IgnoresPresence(Gated):
    def others(self, x, presence):
        return mean_of_others(x)


@registered
class MixesExamples(Gated):
    def others(self, x, presence):
        others = mean_of_others(x, presence)
        return others - ops.mean(others, axis=0, keepdims=True)


@registered
class AddsToOneThatIsAlone(Gated):
    def others(self, x, presence):
        return mean_of_others(x, presence) + 1


@registered
class AddsOne(Gated):
    def call(self, inputs, presence=None):
        return super().call(inputs, presence) + 1


@registered
class CountsOnAll(Gated):
    """Takes the weights of all modalities where a model selects some."""

    def pick(self, weight):
        return ops.convert_to_tensor(weight)[: self.count]


@registered
class ForgetsAnArgument(Gated):
    def get_config(self):
        return {x: y for x, y in super().get_config().items() if x != "strength"}


class IsNotRegistered(Gated):
    pass


@registered
class OfFloat32(Gated):
    def call(self, inputs, presence=None):
        return ops.cast(super().call(inputs, presence), "float32")


@registered
class AnnouncesAnotherShape(Gated):
    def call(self, inputs, presence=None):
        return super().call(inputs, presence)[:, :2]


@registered
class HasGradientsThatAreNotFinite(Gated):
    def call(self, inputs, presence=None):
        return inputs + ops.sqrt(ops.square(inputs - inputs))


@registered
class CountsWhatIsAbsent(ModalityLayer):
    """Keeps a moving mean, also of the images of sensors that are not there."""

    def build(self, input_shape):
        self.mean = self.add_weight(
            name="mean", shape=(self.modalities,), initializer="zeros", trainable=False
        )

    def call(self, inputs, training=None):
        if training:
            x = split_axis(inputs, self.count)
            means = ops.cast(ops.mean(x, axis=(0, 2, 3)), self.mean.dtype)
            rows = ops.array([[row] for row in self.rows], dtype="int32")
            mean = ops.convert_to_tensor(self.mean)
            self.mean.assign(ops.scatter_update(mean, rows, 0.5 * means))
        return inputs


@registered
class LooksAcrossTheBatch(keras.layers.Layer):
    """Knows nothing of modalities, and is not fit for a batch of them."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


def test_a_right_layer_passes():
    check_layer(Gated, inputs)


def test_a_plain_layer_passes():
    check_layer(lambda modalities: keras.layers.Dense(5), inputs, modalities=(2,))


def test_settings_are_left_as_they_were():
    before = keras.config.floatx(), keras.config.dtype_policy()
    with pytest.raises(AssertionError):
        check_layer(OfFloat32, inputs, modalities=(2,))
    assert (keras.config.floatx(), keras.config.dtype_policy()) == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (IgnoresPresence, "IgnoresPresence of 2 .*modalities that are absent"),
        (MixesExamples, "MixesExamples of 2 for an example .*Does the layer mix examples"),
        (AddsToOneThatIsAlone, r"AddsToOneThatIsAlone of 2 .* modalities \(0,\) in a batch"),
        (AddsOne, "AddsOne of 1 modality beside its input: 72 of 72 numbers differ, by 1 at most"),
        (CountsOnAll, r"CountsOnAll of 3 .*the modalities \(0, 2\) in a batch"),
        (lambda m: ForgetsAnArgument(m, 2.0), "ForgetsAnArgument of 2 after loading"),
        (IsNotRegistered, "IsNotRegistered of 2 is not made again by its config: .*register"),
        (OfFloat32, "OfFloat32 of 2 under the policy mixed_bfloat16 gives float32, not bfloat16"),
        (AnnouncesAnotherShape, r"announces \(6, 4, 6\), float32 and gives \(6, 2, 6\)"),
        (HasGradientsThatAreNotFinite, "the gradient of input 0 is not finite"),
        (CountsWhatIsAbsent, "depends on what stands in the place of an absent modality"),
        (
            lambda modalities: LooksAcrossTheBatch(),
            "gives entry 0 of a batch something else than alone. .*must be a .*ModalityLayer",
        ),
        (lambda modalities: Gated(0), "The layer of 2 does not run: ValueError: `modalities`"),
    ],
    ids=lambda x: getattr(x, "__name__", None) if not isinstance(x, str) else "",
)
def test_a_wrong_layer_is_found(make, message):
    with pytest.raises(AssertionError, match=message):
        modalities = (3,) if make is CountsOnAll else (2,)
        training = (False, True) if make is CountsWhatIsAbsent else (None,)
        check_layer(make, inputs, modalities, training)


def test_a_wrong_config_is_found():
    class Renamed(Gated):
        @classmethod
        def from_config(cls, config):
            return cls(config["modalities"], 7.0)

    registered(Renamed)
    with pytest.raises(AssertionError, match=r"another config when it is made again: .*7\.0"):
        check_layer(Renamed, inputs, modalities=(2,))


def test_what_differs_is_told():
    from keras_asym.testing.running import require_equal

    x = np.zeros(4, "float32")
    with pytest.raises(AssertionError, match=r"This: 1 of 4 numbers differ, by 0\.5 at most"):
        require_equal(x, np.array([0, 0, 0.5, 0]), "This", 1e-3)
    with pytest.raises(AssertionError, match=r"This: shape \(4,\), not \(2,\)"):
        require_equal(x, x[:2], "This")
    with pytest.raises(AssertionError, match="This: 2 tensors, not 1"):
        require_equal([x, x], [x], "This")
    with pytest.raises(AssertionError, match="This: 4 of 4 numbers differ, by nan"):
        require_equal(x * np.nan, x, "This", 1.0)
