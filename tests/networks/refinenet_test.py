import re

import keras
import numpy as np
import pytest

from keras_asym.fusion import AsymmetricFusion, ChannelExchanging, to_multimodal
from keras_asym.layers import ResizeLike
from keras_asym.networks import ENCODER_VARIABLES, RefineNet, ResNet
from keras_asym.networks.refinenet import residual_units
from tests.helpers import images, randomize_norms, run

NARROW = (20, 16, 12, 8)
# Trainable parameters in millions for 40 classes and 1, 2 and 3 modalities (both papers).
PUBLISHED = {
    "resnet50": (99.1041, 99.1572, 99.2103),
    "resnet101": (118.0962, 118.2016, 118.3069),
    "resnet152": (133.7399, 133.8913, 134.0427),
}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def light(**kwargs):
    return RefineNet("resnet18", 5, "light", NARROW, **{"backbone_width": 8, **kwargs})


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_number_of_parameters(backbone):
    """One row of norms more for each modality, and the ensemble's alpha, is all that is private."""
    with keras.StatelessScope(initialize_variables=False):  # shapes are enough
        network = RefineNet(backbone)
    shared = count(network.trainable_weights)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    private = sum(count(x.trainable_weights) for x in norms)
    for modalities, published in zip((1, 2, 3), PUBLISHED[backbone], strict=True):
        assert round((shared + (modalities - 1) * private) / 1e6, 4) == published


@pytest.mark.slow
@pytest.mark.parametrize("backbone", PUBLISHED)
@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("fusion", [ChannelExchanging(), AsymmetricFusion()])
def test_number_of_parameters_as_counted(backbone, modalities, fusion):
    channels = {f"modality{index}": 3 for index in range(modalities)}
    model = to_multimodal(RefineNet(backbone), channels, fusion, ensemble=True)
    published = PUBLISHED[backbone][modalities - 1]
    assert round(count(model.trainable_weights) / 1e6, 4) == published


@pytest.mark.parametrize("size", [(65, 97), (64, 40), (33, 31), (1, 1)])
def test_output_is_a_quarter_rounded_up(size):
    with keras.StatelessScope(initialize_variables=False):
        shape = light(input_shape=(*size, 3)).output.shape
    assert shape == (None, -(-size[0] // 4), -(-size[1] // 4), 5)


@pytest.mark.parametrize(("decoder", "size"), [("full", (8, 6)), ("light", (33, 50))])
def test_any_size_can_be_read(decoder, size):
    network = RefineNet("resnet18", 5, decoder, (8, 8, 8, 8), backbone_width=8)
    logits = run(network, images(1, *size, 3))
    assert logits.shape == (1, -(-size[0] // 4), -(-size[1] // 4), 5)
    assert np.isfinite(logits).all()


def test_light_decoder():
    with keras.StatelessScope(initialize_variables=False):
        network, full = light(), RefineNet("resnet18", 5, "full", NARROW)
    decoder = [x for x in network.layers if x.name.startswith("refine")]
    kernels = {x.kernel_size for x in decoder if isinstance(x, keras.layers.Conv2D)}
    assert kernels == {(1, 1)}
    assert not any("unit" in x.name for x in network.layers)
    assert network.get_layer("classifier").kernel_size == (3, 3)
    kernels = {
        x.kernel_size
        for x in full.layers
        if isinstance(x, keras.layers.Conv2D) and x.name.startswith("refine")
    }
    assert kernels == {(3, 3)}
    assert sum("unit" in x.name and x.name.endswith("_add") for x in full.layers) == 4 * 5


def test_decoder():
    with keras.StatelessScope(initialize_variables=False):
        network = RefineNet("resnet18", 5, "full", NARROW, dropout=0.3)
    dropouts = [x for x in network.layers if isinstance(x, keras.layers.Dropout)]
    assert {x.name for x in dropouts} == {
        "refine4_dropout",
        "refine3_dropout",
        "classifier_dropout",
    }
    assert {x.rate for x in dropouts} == {0.3}
    resizes = [x for x in network.layers if isinstance(x, ResizeLike)]
    assert len(resizes) == 3 and all(x.align_corners for x in resizes)
    widths = {x.name: x.filters for x in network.layers if isinstance(x, keras.layers.Conv2D)}
    assert [widths[f"refine{stage}_adapt_conv"] for stage in (4, 3, 2, 1)] == list(NARROW)
    assert [widths[f"refine{stage}_output_conv"] for stage in (4, 3, 2)] == list(NARROW[1:])
    biased = [x.name for x in network.layers if getattr(x, "use_bias", False)]
    assert all(name == "classifier" or name.endswith("_1_conv") for name in biased)
    assert len(biased) == 1 + 4 * 5


def test_encoder_is_the_resnet():
    with keras.StatelessScope(initialize_variables=False):
        network, encoder = light(), ResNet(18, width=8)
    ours = {x.name: x.get_config() for x in network.layers}
    for layer in encoder.layers[1:]:
        assert ours[layer.name] == layer.get_config()
    names = {w.path.split("/")[0] for w in network.weights if re.match(ENCODER_VARIABLES, w.path)}
    assert names == {w.path.split("/")[0] for w in encoder.weights}


@pytest.mark.parametrize("backbone", ["MobileNetV3Small", "xception41", "resnet18_deep"])
def test_any_encoder_by_its_name(backbone):
    with keras.StatelessScope(initialize_variables=False):
        network = RefineNet(backbone, 5, "light", NARROW, input_shape=(64, 96, 3))
    assert network.output.shape == (None, 16, 24, 5)
    features = [network.get_layer(f"refine{stage}_adapt_conv").input for stage in (1, 2, 3)]
    assert [x.shape[1] for x in features] == [16, 8, 4]
    assert network.get_layer("refine4_dropout").output.shape[1] == 2


def test_an_encoder_that_is_given_brings_its_weights():
    encoder = ResNet(18, width=4)
    network = RefineNet(encoder, 5, "light", NARROW)
    assert network.name == "refinenet_resnet18"
    assert all(any(w is x for x in network.weights) for w in encoder.weights)
    probe = keras.Model(network.input, network.get_layer("stack3_block1_out").output)
    x = images(1, 33, 40, 3)
    np.testing.assert_allclose(run(probe, x), run(encoder, x)[-1], atol=1e-5)


def test_an_encoder_without_all_strides():
    with pytest.raises(ValueError, match=r"strides 4, 8, 16 and 32.*'resnet18' with .*\[4, 8\]"):
        RefineNet(ResNet(18, width=4, output_stride=8))


def test_saved_and_loaded(tmp_path):
    network = randomize_norms(light())
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    x = images(1, 33, 40, 3)
    np.testing.assert_array_equal(run(loaded, x), run(network, x))
    assert network.name == "refinenet_resnet18" and light(name="mine").name == "mine"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"backbone": "vgg16"}, r"`backbone` must be one of \['resnet18', .*backbone='vgg16'"),
        ({"backbone": 50}, "`backbone` must be one of"),
        ({"decoder": "heavy"}, '`decoder` must be "full" or "light"'),
        ({"decoder_widths": (64, 64)}, r"`decoder_widths` must be four widths.*\(64, 64\)"),
        ({"dropout": 1.5}, "rate"),
        ({"num_classes": 0}, "`filters`.*strictly positive"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        RefineNet(
            **{"backbone": "resnet18", "backbone_width": 8, "decoder_widths": NARROW, **kwargs}
        )


def test_a_residual_unit_adds_its_rectified_input():
    """relu(x) + conv(relu(conv(relu(x)))), with the published program's rectification in place."""
    inputs = keras.Input((5, 6, 3))
    network = keras.Model(inputs, residual_units(inputs, 1, "unit"))
    first, second = (network.get_layer(f"unit_unit0_{i}_conv") for i in (1, 2))
    x = images(2, 5, 6, 3)
    rectified = np.maximum(x, 0)
    expected = rectified + np.asarray(second(keras.ops.relu(first(rectified))))
    np.testing.assert_allclose(network(x), expected, atol=1e-6)
    assert (x < 0).any()
