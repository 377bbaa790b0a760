import keras
import pytest
import tensorflow as tf
from keras import layers

from keras_asym.export import InferenceForm
from keras_asym.export.kernels import variable_kernel
from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, PrivateNormalization
from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet
from tests.helpers import distance, images, randomize
from tests.models import tiny, tiny_translator
from tests.models.tiny import tiny_segmenter

SYSTEMS = {
    "private": (PrivateNormalization(), PrivateNormalization()),
    "exchange": (ChannelExchanging(), ChannelExchanging(sites="norm$")),
    "asymmetric": (
        AsymmetricFusion(sites="stack0_block0_2_conv"),
        AsymmetricFusion(sites="down2_conv", shift_source="output"),
    ),
}


def traced(form, x):
    """The outputs of a graph with dynamic sizes."""
    names = form.modality_names
    signature = {n: tf.TensorSpec((None, None, None, x[n].shape[-1]), "float32") for n in names}
    function = tf.function(form, input_signature=[signature], autograph=False)
    return function({name: tf.constant(x[name]) for name in names})


def assert_same(model, x, bound=1e-5):
    outputs, expected = traced(InferenceForm(model), x), model(x, training=False)
    assert set(outputs) == set(expected) == {*model.modality_names, "ensemble"}
    for key, value in expected.items():
        assert outputs[key].dtype == "float32"
        assert distance(outputs[key], value) < bound, key


def operations(form, x):
    specs = {name: tf.TensorSpec(value.shape, "float32") for name, value in x.items()}
    graph = tf.function(form, autograph=False).get_concrete_function(specs).graph
    return [operation.type for operation in graph.get_operations()]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("system", SYSTEMS)
def test_segmenter(system, count):
    model = tiny_segmenter(count, SYSTEMS[system][0], evaluation_resize="bicubic")
    assert_same(model, tiny.batch(count, height=9)[0])


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("system", SYSTEMS)
def test_translator(system, count):
    model = tiny_translator.tiny_translator(count, SYSTEMS[system][1])
    assert_same(model, tiny_translator.batch(count)[0])


@pytest.mark.parametrize("names", [["depth"], ["rgb", "normal"]])
@pytest.mark.parametrize("system", SYSTEMS)
def test_segmenter_on_a_subset(system, names):
    model = tiny_segmenter(3, SYSTEMS[system][0])
    assert_same(model.select(names), tiny.batch(3)[0])


@pytest.mark.parametrize("names", [["depth"], ["normal", "texture"]])
@pytest.mark.parametrize("system", SYSTEMS)
def test_translator_on_a_subset(system, names):
    model = tiny_translator.tiny_translator(3, SYSTEMS[system][1])
    assert_same(model.select(names), tiny_translator.batch(3)[0])


def test_moving_statistics_of_instance_normalization():
    model = tiny_translator.tiny_translator(2, ChannelExchanging(sites="norm$"), depth=3)
    moving = tiny_translator.tiny_translator(
        2, ChannelExchanging(sites="norm$"), depth=3, instance_statistics=False
    )
    x, _ = tiny_translator.batch(2)
    assert_same(moving, x)
    assert distance(moving(x)["ensemble"], model(x)["ensemble"]) > 1e-2


def test_refinenet():
    network = RefineNet("resnet18", 4, "light", (8, 8, 8, 8), backbone_width=8)
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging()))
    x = {"rgb": images(2, 45, 64, 3), "depth": images(2, 45, 64, 1)}
    assert_same(model, x)
    found = operations(InferenceForm(model), x)
    assert not {"Rsqrt", "RandomUniform", "StatelessRandomUniformV2"} & set(found)


def test_kernels_masks_and_statistics_are_constants():
    x, _ = tiny.batch(2)
    found = operations(InferenceForm(tiny_segmenter(2, ChannelExchanging())), x)
    assert found.count("Conv2D") == 2 * 3
    assert found.count("SelectV2") == 2  # one exchange
    assert not {"ReadVariableOp", "Rsqrt", "GreaterEqual"} & set(found)


@pytest.mark.parametrize("use_bias", [True, False])
def test_settings_of_convolutions(use_bias):
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=use_bias, name="conv")(inputs)
    y = layers.BatchNormalization(name="bn")(x)
    z = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu")(x)
    z = layers.BatchNormalization(name="bn2")(z)
    network = keras.Model(inputs, layers.Add()([x, y, z]))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    assert_same(model, tiny.batch(2)[0])


@pytest.mark.parametrize(
    ("size", "strides", "padding", "rearranged"),
    [
        (4, 2, "same", True),
        (2, 2, "same", True),
        (6, 2, "same", True),
        (9, 3, "same", True),
        (3, 1, "same", True),
        (3, 2, "same", False),
        (1, 2, "same", False),
        (4, 2, "valid", False),
        ((4, 2), 2, "same", False),
        ((4, 6), (2, 3), "same", False),
    ],
)
@pytest.mark.parametrize("use_bias", [True, False])
def test_transposed_convolutions(size, strides, padding, rearranged, use_bias):
    settings = {"use_bias": use_bias, "activation": "relu"}
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2DTranspose(5, size, strides, padding, name="conv", **settings)(inputs)
    network = keras.Model(inputs, layers.BatchNormalization(name="bn")(x))
    model = randomize(Segmenter(network, {"rgb": 3, "depth": 1}))
    x = tiny.batch(2)[0]
    assert_same(model, x)
    found = operations(InferenceForm(model), x)
    assert ("Conv2DBackpropInput" not in found) == rearranged
    in_variables = traced(InferenceForm(model, variable_kernel), x)["ensemble"]
    assert distance(in_variables, model(x)["ensemble"]) < 1e-5


def test_dropout_at_test_stays():
    model = tiny_translator.tiny_translator(2, dropout=0.5, dropout_at_test=True)
    x, _ = tiny_translator.batch(2)
    form = InferenceForm(model)
    assert distance(form(x)["ensemble"], form(x)["ensemble"]) > 1e-3
    model.dropout_at_test = False
    assert_same(model, x)


def test_mixed_precision_runs_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = tiny_segmenter(2, ChannelExchanging())
    keras.config.set_dtype_policy("float32")
    exact = tiny_segmenter(2, ChannelExchanging())
    x, _ = tiny.batch(2)
    outputs = traced(InferenceForm(mixed), x)["ensemble"]
    assert distance(outputs, exact(x)["ensemble"]) < 1e-5


def test_not_one_of_our_models():
    with pytest.raises(ValueError, match="must be a Segmenter or a Translator"):
        InferenceForm(keras.Sequential(name="plain"))
