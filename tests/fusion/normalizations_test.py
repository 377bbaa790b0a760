import keras
import numpy as np
import pytest
from keras import layers

from keras_asym.fusion import normalizations as registry
from keras_asym.fusion import register_normalization, to_multimodal
from keras_asym.layers import (
    ModalityBatchNormalization,
    ModalityCopies,
    ModalityGroupNormalization,
    ModalityInstanceNormalization,
    ModalityLayerNormalization,
    ModalityRMSNormalization,
)
from keras_asym.regularizers import EachModality
from tests.helpers import arrays, images, randomize, run

PAIR = {"rgb": 3, "depth": 3}


def network_of(*norms):
    """A convolution, then the norms, each followed by an activation."""
    inputs = keras.Input((6, 7, 3))
    x = layers.Conv2D(8, 3, padding="same", name="conv")(inputs)
    for norm in norms:
        x = layers.Activation("tanh")(norm(x))
    return keras.Model(inputs, layers.Conv2D(2, 1, name="head")(x), name="net")


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))


NORMS = [
    (layers.BatchNormalization, ModalityBatchNormalization),
    (lambda: layers.BatchNormalization(center=False, scale=False), ModalityBatchNormalization),
    (layers.LayerNormalization, ModalityLayerNormalization),
    (lambda: layers.LayerNormalization(axis=[1, 2, 3]), ModalityLayerNormalization),
    (lambda: layers.LayerNormalization(axis=[-2, -1], scale=False), ModalityLayerNormalization),
    (lambda: layers.GroupNormalization(4), ModalityGroupNormalization),
    (lambda: layers.GroupNormalization(1), ModalityGroupNormalization),
    (lambda: layers.GroupNormalization(8), ModalityInstanceNormalization),
    (lambda: layers.GroupNormalization(-1), ModalityInstanceNormalization),
    (layers.RMSNormalization, ModalityRMSNormalization),
    (layers.UnitNormalization, layers.UnitNormalization),
]


@pytest.mark.parametrize(("make", "private"), NORMS)
def test_each_row_is_the_plain_normalization(make, private, tmp_path):
    """With other weights in each row, which the proof gives them, and after saving."""
    # A network has something that is private, whatever this one is.
    network = randomize(network_of(make(), layers.BatchNormalization(name="other")))
    model = to_multimodal(network, PAIR, check=True)
    assert any(type(layer) is private for layer in model.layers)
    x = images(2, 6, 7, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for each in (model, loaded):
        for y in run(each, dict.fromkeys(PAIR, x)).values():
            np.testing.assert_allclose(y, run(network, x), atol=1e-6)


def test_every_kind_in_one_network():
    """None stays shared beside others that become private."""
    norms = [make() for make, _ in NORMS if make is not layers.UnitNormalization]
    network = network_of(*norms)
    model = to_multimodal(network, PAIR, check=True)
    plain = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)
    assert not [x for x in model._flatten_layers() if isinstance(x, plain)]
    extra = sum(norm.count_params() for norm in norms)
    assert model.count_params() == network.count_params() + extra


def test_vectors_and_volumes():
    inputs = keras.Input((4, 5, 6, 3))
    x = layers.Conv3D(4, 3, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Dense(5)(layers.GlobalAveragePooling3D()(x))
    network = keras.Model(inputs, layers.LayerNormalization()(x))
    model = to_multimodal(network, PAIR, check=True)
    x = images(2, 4, 5, 6, 3)
    np.testing.assert_allclose(
        run(model, dict.fromkeys(PAIR, x))["depth"], run(network, x), atol=1e-5
    )


def test_new_arguments_of_keras_do_not_matter():
    """Settings are taken one by one from what is known, not all but what is known."""

    class Later(layers.BatchNormalization):
        def get_config(self):
            return {**super().get_config(), "an_argument_of_a_later_release": 1}

    norm = Later(momentum=0.5, name="bn")
    norm.get_config()
    model = to_multimodal(network_of(norm), PAIR)
    assert model.get_layer("bn").momentum == 0.5


def test_constraints_and_regularizers_mean_the_same_for_each_row():
    norm = layers.BatchNormalization(
        gamma_constraint=keras.constraints.MaxNorm(1.0, axis=0),
        beta_regularizer=keras.regularizers.L2(0.5),
        name="bn",
    )
    network = randomize(network_of(norm))
    private = to_multimodal(network, PAIR).get_layer("bn")
    gamma = images(2, 8)
    constrained = arrays(private.gamma_constraint(keras.ops.convert_to_tensor(gamma)))[0]
    for row, value in zip(gamma, constrained, strict=True):
        np.testing.assert_allclose(value, norm.gamma_constraint(row), rtol=1e-6)
    penalty = private.beta_regularizer(keras.ops.convert_to_tensor(gamma))
    np.testing.assert_allclose(penalty, 0.5 * (gamma**2).sum(), rtol=1e-5)
    assert isinstance(private.gamma_constraint, EachModality)


class FrozenBatchNormalization(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=False, mask=mask)


class OtherDefaults(layers.BatchNormalization):
    def __init__(self, momentum=0.1, **kwargs):
        super().__init__(momentum=momentum, **kwargs)


class ScaleNorm(layers.Layer):
    def build(self, input_shape):
        self.g = self.add_weight(shape=(1,), name="g", initializer="ones")

    def call(self, x):
        return x * self.g


class Hidden(layers.Layer):
    weight_names = ("normalizer",)

    def build(self, input_shape):
        for name in self.weight_names:
            setattr(self, name, self.add_weight(shape=(1,), name=name))

    def call(self, x):
        return x * getattr(self, self.weight_names[0])


class Affine(Hidden):
    weight_names = ("gamma", "beta")


class Holder(layers.Layer):
    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.held = [layer]

    def call(self, x):
        return self.held[0](x)


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (FrozenBatchNormalization, "a BatchNormalization with a `call` of its own"),
        (ScaleNorm, "a normalization by its name"),
        (Hidden, r"a layer with the weights \['normalizer'\]"),
        (Affine, r"a layer with the weights \['beta', 'gamma'\]"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_what_is_not_known_is_no_guess(layer, what, inside):
    unknown = layer(name="unknown")
    stack = Holder(unknown) if inside else unknown
    network = network_of(layers.BatchNormalization(), stack)
    with pytest.raises(ValueError, match=f"'unknown' is {what}.*register_normalization"):
        to_multimodal(network, PAIR)


def test_a_subclass_with_other_defaults_is_known():
    private = to_multimodal(network_of(OtherDefaults(name="bn")), PAIR).get_layer("bn")
    assert isinstance(private, ModalityBatchNormalization) and private.momentum == 0.1


def test_ones_own_normalization(registered, tmp_path):
    register_normalization(ScaleNorm)
    norm = ScaleNorm(name="own")
    network = network_of(norm)
    norm.g.assign([1.5])
    with keras.saving.custom_object_scope({"ScaleNorm": ScaleNorm}):
        model = to_multimodal(network, PAIR, check=True)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert isinstance(model.get_layer("own"), ModalityCopies)
    model.get_layer("own").copies[1].g.assign([3.0])
    x = dict.fromkeys(PAIR, images(2, 6, 7, 3))
    assert not np.allclose(run(model, x)["depth"], run(model, x)["rgb"])
    np.testing.assert_allclose(run(loaded, x)["depth"], run(network, x["rgb"]), atol=1e-6)
    register_normalization(ScaleNorm, private=None)
    shared = to_multimodal(network_of(ScaleNorm(name="own"), layers.BatchNormalization()), PAIR)
    assert type(shared.get_layer("own")) is ScaleNorm


def test_a_private_form_of_ones_own(registered):
    register_normalization(
        FrozenBatchNormalization,
        lambda layer, count, settings: ModalityBatchNormalization(
            count, epsilon=layer.epsilon, freeze_statistics=True, name=layer.name
        ),
        {name: name for name in ("gamma", "beta", "moving_mean", "moving_variance")},
    )
    network = randomize(network_of(FrozenBatchNormalization(name="bn")))
    model = to_multimodal(network, PAIR, check=True)
    assert model.get_layer("bn").freeze_statistics


def test_the_norm_of_keras_hub():
    from keras_hub.src.models.mobilenetv5.mobilenetv5_layers import RmsNorm2d

    network = randomize(network_of(RmsNorm2d(8, data_format="channels_last", name="rms")))
    model = to_multimodal(network, PAIR, check=True)
    assert isinstance(model.get_layer("rms"), ModalityRMSNormalization)


def test_adapted_statistics_of_the_data_are_kept(tmp_path):
    """Of a keras.layers.Normalization, which makes them of its weights once."""
    inputs = keras.Input((6, 7, 3))
    adapted = layers.Normalization(name="data")
    adapted.adapt(3 + 5 * images(4, 6, 7, 3))
    x = layers.BatchNormalization(name="bn")(adapted(inputs))
    network = keras.Model(inputs, x)
    model = to_multimodal(network, PAIR, check=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = images(2, 6, 7, 3)
    for each in (model, loaded):
        np.testing.assert_allclose(
            run(each, dict.fromkeys(PAIR, x))["depth"], run(network, x), atol=1e-6
        )
