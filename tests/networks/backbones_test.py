import functools

import keras
import numpy as np
import pytest

from keras_asym.networks import ResNet, backbone, feature_pyramid
from tests.helpers import images, run

# Class of keras.applications -> channels of its features at strides 4, 8, 16 and 32.
APPLICATIONS = {
    "ResNet50": (256, 512, 1024, 2048),
    "MobileNet": (128, 256, 512, 1024),
    "MobileNetV3Small": (72, 96, 288, 576),
    "EfficientNetB0": (144, 240, 672, 1280),
    "InceptionV3": (192, 288, 768, 2048),
    "ConvNeXtTiny": (96, 192, 384, 768),
}


@functools.cache
def of_blocks():
    """A block at each of strides 4 and 8, with ways around its layers, and a padding at its end."""
    x = inputs = keras.Input((None, None, 3))
    for stage in (0, 1, 2):
        x = keras.layers.ZeroPadding2D(1, name=f"pad{stage}")(x)
        x = keras.layers.Conv2D(4, 3, 2, use_bias=False, name=f"stride{stage}")(x)
        y = keras.layers.Conv2D(4, 3, padding="same", name=f"inside{stage}")(x)
        gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"gate{stage}")(y)
        y = keras.layers.Multiply(name=f"multiply{stage}")([y, gate])
        x = keras.layers.Add(name=f"add{stage}")([x, y])
        if stage == 1:  # at stride 4 still, but not all that follows reads it
            x = keras.layers.Concatenate(name="concat")(
                [
                    keras.layers.Conv2D(2, 1, 2, name="shortcut")(x),
                    keras.layers.Conv2D(2, 1, 2, name="branch")(keras.layers.ReLU(name="aside")(x)),
                ]
            )
    x = keras.layers.ReLU(name="last")(x)
    return keras.Model(inputs, x)


def layers_of(pyramid):
    return {stride: x._keras_history.operation.name for stride, x in pyramid.items()}


def test_the_last_layer_at_each_stride_that_all_pass():
    assert layers_of(feature_pyramid(of_blocks())) == {4: "add1", 8: "concat", 16: "last"}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_encoders_of_keras_applications(name):
    with keras.StatelessScope(initialize_variables=False):
        model = backbone(name, input_shape=(512, 640, 3))
    assert tuple(x.shape[-1] for x in model.outputs) == APPLICATIONS[name]
    strides = [(512 / x.shape[1], 640 / x.shape[2]) for x in model.outputs]
    # Inception does not pad, and has some pixels less.
    rtol = 0.2 if name == "InceptionV3" else 0
    np.testing.assert_allclose(strides, [(s, s) for s in (4, 8, 16, 32)], rtol)


@pytest.mark.parametrize(("size", "name"), [(64, "NASNetMobile"), (96, "InceptionV3")])
def test_every_encoder_has_the_four(size, name):
    """NASNet has no layer that all pass; of so small an Inception too little is left to round."""
    with keras.StatelessScope(initialize_variables=False):
        model = backbone(name, input_shape=(size, size, 3))
    expected = [16, 8, 4, 2] if name == "NASNetMobile" else [20, 9, 4, 1]
    assert [x.shape[1] for x in model.outputs] == expected


@pytest.mark.parametrize("size", [33, 1])
def test_strides_are_found_on_small_images(size):
    with keras.StatelessScope(initialize_variables=False):
        single = keras.applications.MobileNet(
            include_top=False, weights=None, input_shape=(33, 33, 3), alpha=0.25
        )
        several = ResNet(18, width=4, input_shape=(size, size, 3))
    assert list(feature_pyramid(single)) == list(feature_pyramid(several)) == [4, 8, 16, 32]


def test_a_model_with_several_outputs_has_chosen_them():
    network = of_blocks()
    chosen = [network.get_layer(name).output for name in ("last", "multiply1", "stride0")]
    model = keras.Model(network.input, chosen)
    assert layers_of(feature_pyramid(model)) == {4: "multiply1", 16: "last"}


def test_outputs_that_a_backbone_has_marked():
    class Marked(keras.Model):
        pyramid_outputs = None

    network = of_blocks()
    model = Marked(network.input, network.output)
    model.pyramid_outputs = {"P2": network.get_layer("inside1").output, "P4": network.output}
    assert layers_of(feature_pyramid(model)) == {4: "inside1", 16: "last"}


def test_the_last_stage_of_a_dilated_encoder():
    model = backbone("resnet18", 8, width=4)
    assert [x.shape[-1] for x in model.outputs] == [4, 8, 16, 32]
    assert {stride: x.shape[-1] for stride, x in feature_pyramid(model).items()} == {4: 4, 8: 32}


def test_features_are_those_of_the_encoder():
    model = of_blocks()
    pyramid = feature_pyramid(model)
    values = run(keras.Model(model.input, list(pyramid.values())), images(1, 33, 48, 3))
    assert [x.shape[1:3] for x in values] == [(9, 12), (5, 6), (3, 3)]
    np.testing.assert_allclose(values[-1], run(model, images(1, 33, 48, 3)), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "conv1_conv"),
        ("resnet18_deep", "conv1_3_conv"),
        ("xception41", "stack2_block8_3_conv"),
    ],
)
def test_names_of_this_package(name, layer):
    with keras.StatelessScope(initialize_variables=False):
        model = backbone(name, width=4)
    assert model.name == name and model.get_layer(layer)
    assert len(model.outputs) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet20",), r"`backbone` must be one of \['resnet18'.*'mit_b5'\], a class of"),
        (("mobilenet",), "`backbone` must be one of"),  # a module of keras.applications
        ((None,), "`backbone` must be one of"),
        (("MobileNet", 16), "`output_stride` must be 32.*output_stride=16"),
        (("MobileNet", 32, (32, 32, 3), 8), "`width` None.*width=8"),
        (("resnet18", 4), "`output_stride` must be 8, 16 or 32"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        backbone(*arguments)


def test_models_without_a_pyramid():
    inputs = keras.Input((8, 8, 3))
    flat = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs))
    with pytest.raises(ValueError, match="must have features at one of the strides"):
        feature_pyramid(flat)
    with pytest.raises(ValueError, match="one image input"):
        feature_pyramid(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
