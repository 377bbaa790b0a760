"""Networks with rooms inside: nested models, and layers that hold layers."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    find_sites,
    select_modalities,
    to_multimodal,
)
from keras_asym.fusion.graph import flattened
from keras_asym.layers import ChannelExchange, ModalityBlock, ModalityLayerNormalization
from tests.helpers import arrays, images, randomize, run

PAIR = {"rgb": 3, "depth": 3}


@keras.saving.register_keras_serializable(package="tests.graph")
class Block(layers.Layer):
    """A transformer block that keeps its normalizations in all the ways there are."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.norm = layers.LayerNormalization(name="norm")
        self.attention = layers.MultiHeadAttention(2, width // 2)
        self.listed = [layers.Dense(width), layers.LayerNormalization()]
        self.named = {"norm": layers.RMSNormalization(), "end": (layers.LayerNormalization(),)}
        self.mlp = keras.Sequential(
            [layers.LayerNormalization(), layers.Dense(width, "gelu"), layers.Dropout(0.1)]
        )

    def build(self, input_shape):
        self.late = layers.LayerNormalization()  # when it is built
        self.late.build(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        x = self.norm(inputs)
        x = inputs + self.attention(x, x)
        for layer in self.listed:
            x = layer(x)
        x = self.named["end"][0](self.named["norm"](x))
        return self.late(x + self.mlp(x))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


PLACES = ["norm", "listed.1", "named.norm", "named.end.0", "mlp.0", "late"]


@functools.cache
def transformer(blocks=2, width=8):
    """A network that no test changes."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(width, 2, 2, name="patches")(inputs)
    x = layers.Reshape((-1, width))(x)
    for index in range(blocks):
        x = Block(width, name=f"block{index}")(x)
    return randomize(keras.Model(inputs, layers.LayerNormalization(name="end")(x), name="vit"))


def assert_same_branches(model, network, x):
    for y in run(model, dict.fromkeys(PAIR, x)).values():
        np.testing.assert_allclose(y, run(network, x), rtol=1e-5, atol=1e-5)


def test_a_block_keeps_everything_but_its_norms(tmp_path):
    network = transformer()
    model = to_multimodal(network, PAIR, check=True)
    x = images(2, 8, 8, 3)
    assert_same_branches(model, network, x)
    block = model.get_layer("block1")
    assert isinstance(block, ModalityBlock)
    private = [x for x in model._flatten_layers() if isinstance(x, ModalityLayerNormalization)]
    assert len(private) == 2 * 5 + 1  # one in a Sequential
    assert not [x for x in model._flatten_layers() if type(x) is layers.LayerNormalization]
    assert isinstance(block.layer.late, ModalityLayerNormalization)
    assert [w.shape for w in block.layer.attention.weights] == [
        w.shape for w in network.get_layer("block1").attention.weights
    ]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    randomize(model, seed=5)
    model.save(tmp_path / "other.keras")
    other = keras.saving.load_model(tmp_path / "other.keras", safe_mode=True)
    assert_same_branches(loaded, network, x)
    expected, actual = run(model, dict.fromkeys(PAIR, x)), run(other, dict.fromkeys(PAIR, x))
    assert not np.allclose(expected["rgb"], expected["depth"])
    for key in PAIR:
        np.testing.assert_array_equal(actual[key], expected[key])


def test_the_network_is_left_as_it_was():
    network = transformer(1)
    before = arrays(network.weights)
    randomize(to_multimodal(network, PAIR, check=True), seed=3)
    for value, old in zip(arrays(network.weights), before, strict=True):
        np.testing.assert_array_equal(value, old)
    assert type(network.get_layer("block0").norm) is layers.LayerNormalization


def test_a_selection_and_presence_reach_inside():
    model = randomize(to_multimodal(transformer(1), {"rgb": 3, "depth": 3, "edge": 3}))
    x = {name: images(2, 8, 8, 3, seed=len(name)) for name in model.output}
    full = run(model, x)
    for name in x:
        alone = run(select_modalities(model, [name]), {name: x[name]})[name]
        np.testing.assert_allclose(alone, full[name], rtol=1e-5, atol=1e-5)


def test_sites_inside_of_blocks(tmp_path):
    network = transformer(1)
    found = find_sites(network, r"block\d/", "normalization")
    assert {name.split("/")[1] for name in found} == {*PLACES}
    fusion = ChannelExchanging(threshold=0.5, sites=r"block\d/(norm|late)$")
    model = to_multimodal(network, PAIR, fusion, check=True)
    exchanges = [x for x in model._flatten_layers() if isinstance(x, ChannelExchange)]
    assert len(exchanges) == 2 and len(model.losses) == 2
    randomize(model)
    x = {name: images(2, 8, 8, 3, seed=len(name)) for name in PAIR}
    before, after = run(model, x), run(model, {**x, "depth": 2 * x["depth"]})
    assert not np.allclose(before["rgb"], after["rgb"])
    presence = np.array([[True, False], [True, True]])
    masked = model(x, presence=keras.ops.convert_to_tensor(presence))["rgb"]
    alone = run(select_modalities(model, ["rgb"]), {"rgb": x["rgb"]})["rgb"]
    np.testing.assert_allclose(masked[0], alone[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(masked[1], before["rgb"][1], rtol=1e-5, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(run(loaded, x)["rgb"], before["rgb"])


class Broken(layers.Layer):
    """As KerasHub's: its config does not make it again, the arguments of its constructor do."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(width)
        self.norm = layers.LayerNormalization()

    def call(self, inputs):
        return self.norm(self.dense(inputs))

    def get_config(self):
        return {**super().get_config(), "not_an_argument": 1}


class BrokenShared(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(width)

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        return {**super().get_config(), "not_an_argument": 1}


def test_a_layer_whose_config_does_not_make_it_again(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = BrokenShared(6, name="shared")(inputs)
    network = randomize(keras.Model(inputs, Broken(5, name="broken")(x)))
    model = to_multimodal(network, PAIR, check=True)
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"class Broken.*register_keras_serializable"):
        keras.saving.load_model(tmp_path / "model.keras")
    with keras.saving.custom_object_scope({"Broken": Broken, "BrokenShared": BrokenShared}):
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same_branches(loaded, network, images(2, 8, 8, 3))


class Unmakeable(Broken):
    def __init__(self, make, **kwargs):
        super().__init__(make(), **kwargs)


class Secret(layers.Layer):
    """Keeps its normalization where nobody can put another one."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        norm = layers.LayerNormalization(name="secret_norm")
        self._layers.append(norm)
        object.__setattr__(self, "run", lambda x: norm(x))

    def call(self, inputs):
        return self.run(inputs)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: Unmakeable(lambda: 4, name="no"), "'no' .Unmakeable. cannot be made again"),
        (lambda: Secret(name="box"), "'box' .Secret. holds the LayerNormalization 'secret_norm'"),
    ],
)
def test_layers_that_cannot_be_entered(layer, message):
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, layer()(inputs))
    with pytest.raises(ValueError, match=message):
        to_multimodal(network, PAIR)


def nested(name="inner", kind="functional"):
    """A model of a convolution and a norm whose layers have the same names each time."""
    stack = [layers.Conv2D(4, 3, padding="same", name="conv"), layers.BatchNormalization(name="bn")]
    if kind == "sequential":
        return keras.Sequential(stack, name=name)
    inputs = keras.Input((None, None, 3 if name == "inner" else 4))
    return keras.Model(inputs, stack[1](stack[0](inputs)), name=name)


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_nested_models_become_part_of_the_graph(kind, tmp_path):
    inputs = keras.Input((8, 9, 3))
    x = nested("inner", kind)(inputs)
    x = nested("second", kind)(keras.ops.relu(x))
    network = randomize(keras.Model(inputs, layers.Conv2D(2, 1, name="head")(x), name="net"))
    model = to_multimodal(network, PAIR, ChannelExchanging(sites="bn$"), check=True)
    names = [layer.name for layer in model.layers]
    assert {"conv", "second_conv", "bn_exchange", "second_bn_exchange"} <= set(names)
    x = images(2, 8, 9, 3)
    assert_same_branches(model, network, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert_same_branches(loaded, network, x)


def test_a_nested_model_in_a_nested_model_that_is_called_twice():
    inner = nested()
    inputs = keras.Input((8, 9, 3))
    middle = keras.Model(inputs, layers.Conv2D(3, 1, name="back")(inner(inputs)), name="middle")
    inputs = keras.Input((8, 9, 3))
    network = randomize(keras.Model(inputs, middle(middle(inputs)), name="net"))
    model = to_multimodal(network, PAIR, check=True)
    assert_same_branches(model, network, images(2, 8, 9, 3))
    assert model.count_params() == network.count_params() + 4 * 4


def test_a_sequential_network():
    network = keras.Sequential(
        [keras.Input((8, 9, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()]
    )
    randomize(network)
    model = to_multimodal(network, PAIR, check=True)
    assert_same_branches(model, network, images(2, 8, 9, 3))


def test_a_flat_network_is_itself():
    network = transformer()
    assert flattened(network) is network


def probed():
    """A network, and another one on the same layers that uses an inner one."""
    inputs = keras.Input((8, 8, 5))
    x = layers.Conv2D(5, 3, padding="same", name="block0_2_conv")(inputs)
    middle = x
    x = layers.BatchNormalization(name="block0_2_bn")(x)
    outputs = layers.ReLU(name="block0_2_relu")(x)
    probe = keras.Model(inputs, layers.Conv2D(2, 1)(middle))
    return keras.Model(inputs, outputs, name="net"), keras.Model(inputs, x, name="sub"), probe


def test_nodes_outside_of_the_network_do_not_move_the_sites():
    network, sub, _ = probed()
    shift = to_multimodal(network, dict.fromkeys(PAIR, 5), AsymmetricFusion())
    assert source(shift, "block0_2_conv_shift") == "block0_2_relu"
    shift = to_multimodal(sub, dict.fromkeys(PAIR, 5), AsymmetricFusion())
    assert source(shift, "block0_2_conv_shift") == "block0_2_bn"
    assert shift.get_layer("block0_2_conv_unshuffle") in shift.layers


def source(model, name):
    return model.get_layer(name)._inbound_nodes[0].input_tensors[0]._keras_history.operation.name
