import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import (
    AsymmetricFusion,
    ChannelExchanging,
    FusionStrategy,
    PrivateNormalization,
    to_multimodal,
)
from keras_asym.layers import ModalityBatchNormalization, ModalityInstanceNormalization
from tests.fusion.examples import bottlenecks
from tests.helpers import arrays, images, randomize, run

STRATEGIES = [PrivateNormalization(), ChannelExchanging(), AsymmetricFusion()]
NAMES = ("rgb", "depth", "edge")


def inputs_of(names, seed=0):
    return {name: images(2, 8, 9, 3, seed=seed + len(name)) for name in names}


def private_norms(model):
    return [x for x in model._flatten_layers() if isinstance(x, ModalityBatchNormalization)]


@pytest.mark.parametrize("fusion", STRATEGIES, ids=lambda s: type(s).__name__)
def test_one_modality_is_the_plain_network(fusion):
    network = bottlenecks(blocks=(1, 2))
    model = to_multimodal(network, {"rgb": 3}, fusion, ensemble=True)
    x = images(2, 8, 9, 3)
    outputs, expected = run(model, {"rgb": x}), run(network, x)
    for key in ("rgb", "ensemble"):
        np.testing.assert_allclose(outputs[key], expected, rtol=1e-5, atol=1e-6)
    assert not model.losses
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == sum(int(np.prod(w.shape)) for w in network.trainable_weights)


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("fusion", STRATEGIES, ids=lambda s: type(s).__name__)
def test_saved_and_loaded(fusion, modalities, tmp_path):
    names = NAMES[:modalities]
    network = bottlenecks(blocks=(1, 2))
    model = to_multimodal(network, dict.fromkeys(names, 3), fusion, ensemble=True)
    randomize(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = inputs_of(names)
    before, after = run(model, x), run(loaded, x)
    assert sorted(after) == sorted([*names, "ensemble"])
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)
    assert not np.allclose(before["rgb"], before["depth"])


@pytest.mark.parametrize("fusion", STRATEGIES, ids=lambda s: type(s).__name__)
def test_the_network_is_left_as_it_was(fusion):
    network = bottlenecks()
    names, weights = [x.name for x in network.layers], arrays(network.weights)
    randomize(to_multimodal(network, {"rgb": 3, "depth": 3}, fusion), seed=5)
    assert [x.name for x in network.layers] == names
    for before, after in zip(weights, arrays(network.weights), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("freeze", [False, True])
def test_freeze_statistics(freeze):
    network = bottlenecks()
    model = to_multimodal(
        network, {"rgb": 3, "depth": 3}, ChannelExchanging(), freeze_statistics=freeze
    )
    norms = private_norms(model)
    assert len(norms) == 14 and all(norm.freeze_statistics is freeze for norm in norms)
    before = arrays([norm.moving_mean for norm in norms])
    model(inputs_of(("rgb", "depth")), training=True)
    same = [np.array_equal(a, b.moving_mean) for a, b in zip(before, norms, strict=True)]
    assert all(same) if freeze else not any(same)


def test_settings_and_weights_of_the_norms_are_copied():
    inputs = keras.Input((None, None, 3))
    plain = layers.BatchNormalization(
        momentum=0.7, epsilon=1e-4, center=False, gamma_regularizer="l2", name="bn"
    )
    network = keras.Model(inputs, plain(inputs))
    randomize(network)
    (norm,) = private_norms(to_multimodal(network, {"rgb": 3, "depth": 3}))
    assert (norm.momentum, norm.epsilon, norm.center, norm.name) == (0.7, 1e-4, False, "bn")
    assert isinstance(norm.gamma_regularizer.of_one, keras.regularizers.L2)
    for name in ("gamma", "moving_mean", "moving_variance"):
        for row in arrays(getattr(norm, name))[0]:
            np.testing.assert_array_equal(row, getattr(plain, name))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow only")
def test_synchronized():
    for value in (None, True):
        model = to_multimodal(bottlenecks(), {"rgb": 3, "depth": 3}, synchronized=value)
        assert {norm.synchronized for norm in private_norms(model)} == {bool(value)}


def test_several_outputs_keep_their_structure():
    network = bottlenecks(outputs=2)
    model = to_multimodal(network, {"rgb": 3, "depth": 3})
    x = inputs_of(("rgb", "depth"))
    outputs = run(model, x)
    for name in ("rgb", "depth"):
        for value, expected in zip(outputs[name], run(network, x[name]), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


def test_the_ensemble_mixes_the_first_of_several_outputs():
    network = bottlenecks(outputs=2)
    model = to_multimodal(network, {"rgb": 3, "depth": 3}, ensemble=True)
    outputs = run(model, inputs_of(("rgb", "depth")))
    mean = (np.asarray(outputs["rgb"][0]) + np.asarray(outputs["depth"][0])) / 2
    np.testing.assert_allclose(outputs["ensemble"], mean, rtol=1e-5, atol=1e-6)
    by_name = keras.Model(network.input, dict(zip("ab", network.output, strict=True)))
    with pytest.raises(ValueError, match="`ensemble=True` needs a network with one output"):
        to_multimodal(by_name, {"rgb": 3, "depth": 3}, ensemble=True)


def test_instance_norms_become_private():
    plain = layers.GroupNormalization(
        -1, epsilon=1e-2, gamma_initializer="random_normal", beta_regularizer="l2", name="norm"
    )
    network = functional(layers.Conv2D(6, 3, name="conv"), plain)
    model = to_multimodal(network, {"rgb": 3, "depth": 3, "edge": 3})
    norm = model.get_layer("norm")
    assert isinstance(norm, ModalityInstanceNormalization) and norm.epsilon == 1e-2
    np.testing.assert_array_equal(norm.gamma, np.broadcast_to(plain.gamma, (3, 6)))
    x = images(2, 8, 8, 3)
    outputs = model({name: x for name in model.input})
    for y in outputs.values():
        np.testing.assert_allclose(y, network(x), atol=1e-5)
    assert len(model.losses) == 1
    assert isinstance(norm.beta_regularizer.of_one, keras.regularizers.L2)
    moving = to_multimodal(network, {"rgb": 3, "depth": 3}, instance_statistics=False)
    assert not moving.get_layer("norm").instance_statistics


def test_ensemble():
    model = to_multimodal(bottlenecks(), {"rgb": 3, "depth": 3}, ensemble=True)
    model.get_layer("ensemble").alpha.assign([1.0, -0.5])
    outputs = run(model, inputs_of(("rgb", "depth")))
    share = np.exp([1.0, -0.5]) / np.exp([1.0, -0.5]).sum()
    expected = share[0] * np.asarray(outputs["rgb"]) + share[1] * np.asarray(outputs["depth"])
    np.testing.assert_allclose(outputs["ensemble"], expected, atol=1e-5)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def call(self, inputs):
        return self.norm(inputs)


def functional(*stack, count=1, batch_size=None):
    inputs = [keras.Input((8, 8, 3), batch_size) for _ in range(count)]
    x = inputs[0] if count == 1 else layers.Add()(inputs)
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs if count > 1 else inputs[0], x, name="net")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: keras.Sequential([layers.BatchNormalization()], name="net"),
            r"functional keras\.Model .* Sequential one that is built.*Received: Sequential 'net'",
        ),
        (Subclassed, r"functional keras\.Model.*Received: Subclassed"),
        (lambda: "resnet50", r"functional keras\.Model.*Received: str 'resnet50'"),
        (lambda: functional(layers.Conv2D(3, 1)), "must contain normalization layers.*'net'"),
        (
            lambda: functional(layers.BatchNormalization(), count=2),
            r"must have one image input.*inputs of shapes \[\(None, 8, 8, 3\), \(None",
        ),
        (
            lambda: functional(layers.Flatten(), layers.Dense(2), layers.BatchNormalization()),
            None,
        ),
        (
            lambda: functional(layers.BatchNormalization(renorm=True, name="rn")),
            "'rn' uses batch renormalization.*renorm=False",
        ),
        (
            lambda: functional(layers.BatchNormalization(axis=1, name="first")),
            "'first' normalizes axis 1; channels must be the last axis.*channels_last",
        ),
        (
            lambda: functional(layers.LayerNormalization(), layers.RandomFlip(name="flip")),
            r"must not hold random image layers.*'flip' \(RandomFlip\)",
        ),
        (
            lambda: functional(layers.Conv2D(3, 1, data_format="channels_first")),
            r"channels last.*'conv2d.*channels_first",
        ),
        (
            lambda: functional(layers.LayerNormalization(), batch_size=4),
            r"must take any batch size.*\(4, 8, 8, 3\)",
        ),
        (
            lambda: functional(layers.BatchNormalization(), layers.Identity(name="ensemble")),
            "must not have a layer 'ensemble'.*multimodal already",
        ),
        (
            lambda: functional(layers.BatchNormalization(), layers.Identity(name="depth_repeat")),
            "must not have the name of a layer: 'depth_repeat'.*Rename the modality",
        ),
        (
            lambda: functional(layers.BatchNormalization(), layers.Identity(name="rgb")),
            "must not have the name of a layer: 'rgb'",
        ),
    ],
)
def test_networks_that_cannot_be_cloned(build, message):
    network = build()
    if message is None:  # norms of vectors, or of as many groups as channels
        output = to_multimodal(network, {"rgb": 3, "depth": 3}).output["rgb"]
        assert output.shape == network.output.shape
        return
    with pytest.raises(ValueError, match=message):
        to_multimodal(network, {"rgb": 3, "depth": 3})


@pytest.mark.parametrize(
    ("modalities", "message"),
    [
        ({}, "must be a dictionary"),
        (["rgb", "depth"], "must be a dictionary of name -> channels"),
        (2, "must be a dictionary"),
        ({"rgb": 0}, "number of channels of at least 1. Received: 'rgb': 0"),
        ({"rgb": 3, "depth": "1"}, "Received: 'depth': '1'"),
        ({"rgb": 3, "ensemble": 3}, "must have names.*Received: 'ensemble'"),
        ({"rgb": 3, "present": 3}, "must have names.*Received: 'present'"),
    ],
)
def test_wrong_modalities(modalities, message):
    with pytest.raises(ValueError, match=f"`modalities` .*{message}|`modalities` {message}"):
        to_multimodal(bottlenecks(), modalities)


def test_wrong_ensemble():
    with pytest.raises(ValueError, match=r"`ensemble` must be False, True or one of .*'mean'"):
        to_multimodal(bottlenecks(), {"rgb": 3, "depth": 3}, ensemble="mean")


@pytest.mark.parametrize("fusion", ["cen", ChannelExchanging])
def test_wrong_fusion(fusion):
    with pytest.raises(ValueError, match="`fusion` must be a fusion strategy"):
        to_multimodal(bottlenecks(), {"rgb": 3, "depth": 3}, fusion)


def test_a_strategy_must_say_what_changes():
    with pytest.raises(NotImplementedError, match=r"must implement edits\(\)"):
        to_multimodal(bottlenecks(), {"rgb": 3, "depth": 3}, FusionStrategy())
