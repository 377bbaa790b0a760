import keras
import pytest
from keras import layers, ops

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    Combined,
    FusionStrategy,
    GraphEdits,
    PrivateNormalization,
)
from keras_asym.layers import ModalityLayer
from keras_asym.ops import mean_of_others, merge_axis, split_axis
from keras_asym.testing import check_strategy
from keras_asym.testing.small_network import small_network

registered = keras.saving.register_keras_serializable(package="tests_strategy")
SITE = "stack0_block0_out"


@registered
class Mean(ModalityLayer):
    """Half of a modality, and half of the mean of the others."""

    def call(self, inputs, presence=None):
        if self.count == 1:
            return inputs
        x = split_axis(inputs, self.count)
        return merge_axis(self.mixed(x, presence))

    def mixed(self, x, presence):
        others = mean_of_others(x, presence)
        if presence is None:
            return 0.5 * (x + others)
        alone = ops.sum(ops.cast(presence, "int32"), axis=1) == 1
        alone = ops.reshape(alone, (-1, *(1,) * (len(x.shape) - 1)))
        return ops.where(alone, x, 0.5 * (x + others))


@registered
class IgnoresPresence(Mean):
    def mixed(self, x, presence):
        return 0.5 * (x + mean_of_others(x))


@registered
class MixesExamples(Mean):
    def mixed(self, x, presence):
        return super().mixed(x, presence) + ops.mean(x, axis=0, keepdims=True)


@registered
class CountsOnAll(Mean):
    def call(self, inputs, presence=None):
        x = split_axis(inputs, self.modalities)
        return merge_axis(self.mixed(x, presence))


@registered
class LooksAcrossTheBatch(layers.Layer):
    """Is no ModalityLayer, so that a selection does not know of it."""

    def __init__(self, modalities, **kwargs):
        super().__init__(**kwargs)
        self.modalities = modalities

    def call(self, inputs):
        if self.modalities == 1:
            return inputs
        x = split_axis(inputs, self.modalities)
        return merge_axis(x + mean_of_others(x))

    def get_config(self):
        return {**super().get_config(), "modalities": self.modalities}


@registered
class Inserts(FusionStrategy):
    """Puts a layer behind one of the network's."""

    def __init__(self, layer, site=SITE):
        self.layer = layer
        self.site = site

    def edits(self, network, modalities):
        cls = keras.saving.get_registered_object(f"tests_strategy>{self.layer}")
        made = cls(modalities, name="inserted")
        return GraphEdits(after={self.site: lambda y, x: made(y)})

    def get_config(self):
        return {"layer": self.layer, "site": self.site}


class IsNotRegistered(Inserts):
    pass


@registered
class ForgetsAnArgument(Inserts):
    def get_config(self):
        return {"layer": self.layer}


@pytest.fixture(scope="module")
def network():
    return small_network()


def test_a_right_strategy_passes(network):
    check_strategy(Inserts("Mean"), network, modalities=(1, 2))


@pytest.mark.parametrize(
    "fusion",
    [
        PrivateNormalization(),
        ChannelExchanging(sites="block0_2_bn"),
        AsymmetricFusion(),
        Combined([ChannelExchanging(sites="block0_1_bn"), AsymmetricFusion()]),
    ],
    ids=lambda fusion: type(fusion).__name__,
)
def test_ours_pass(fusion, network):
    check_strategy(fusion, network, modalities=(3,))


def test_on_a_network_of_vectors():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="conv")(inputs)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    network = keras.Model(inputs, x)
    check_strategy(Inserts("Mean", "norm"), network, modalities=(2,))
    with pytest.raises(AssertionError, match="ChannelExchanging for 2: to_multimodal fails: Value"):
        check_strategy(ChannelExchanging(), network, modalities=(2,))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("IgnoresPresence", "Inserts for 2: the branch of modality 0, alone, beside the plain net"),
        ("MixesExamples", "Inserts for 2: the branch of modality 0, alone, beside the plain net"),
        ("CountsOnAll", "Inserts for 2: .*select_modalities"),
        ("LooksAcrossTheBatch", "Inserts for 2: the branch of modality 0, alone, beside the plain"),
    ],
)
def test_a_wrong_layer_is_found(layer, message, network):
    with pytest.raises(AssertionError, match=message):
        check_strategy(Inserts(layer), network, modalities=(2,))


def test_a_layer_that_mixes_examples_of_several_modalities_is_found(network):
    """It does nothing to one that is alone."""

    @registered
    class MixesWhereThereAreSeveral(Mean):
        def mixed(self, x, presence):
            found = super().mixed(x, presence)
            mixed = found + ops.mean(x, axis=0, keepdims=True)
            if presence is None:
                return mixed
            alone = ops.sum(ops.cast(presence, "int32"), axis=1) == 1
            alone = ops.reshape(alone, (-1, *(1,) * (len(x.shape) - 1)))
            return ops.where(alone, found, mixed)

    with pytest.raises(AssertionError, match="Does a layer mix examples"):
        check_strategy(Inserts("MixesWhereThereAreSeveral"), network, modalities=(2,))


def test_a_wrong_config_is_found(network):
    with pytest.raises(AssertionError, match="IsNotRegistered is not made again by its config: "):
        check_strategy(IsNotRegistered("Mean"), network)
    with pytest.raises(AssertionError, match="ForgetsAnArgument has another config"):

        @registered
        class Other(ForgetsAnArgument):
            def get_config(self):
                return {"layer": self.layer, "times": getattr(self, "times", 0)}

            @classmethod
            def from_config(cls, config):
                made = cls(config["layer"])
                made.times = 1
                return made

        Other.__name__ = "ForgetsAnArgument"
        check_strategy(Other("Mean"), network)
