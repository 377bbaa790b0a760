import functools

import keras
import numpy as np
import pytest

from keras_asym.layers import ResizeLike
from keras_asym.networks import PSPNet
from tests.helpers import images, run

# Backbone -> trainable parameters for 19 classes, and those of them that are norms.
COUNTS = {
    "resnet50_deep": (46_715_347, 58_624),
    "resnet101_deep": (65_707_475, 110_848),
    "resnet152_deep": (81_351_123, 156_928),
    "resnet50": (46_591_571, 58_240),
    "resnet101": (65_583_699, 110_464),
    "resnet152": (81_227_347, 156_544),
}


@functools.cache
def shapes(backbone, **kwargs):
    """A network without values, which is quick."""
    with keras.StatelessScope(initialize_variables=False):
        return PSPNet(backbone, input_shape=(713, 65, 3), **kwargs)


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@pytest.mark.parametrize(
    "backbone",
    [pytest.param(x, marks=pytest.mark.slow if "152" in x else ()) for x in COUNTS],
)
def test_number_of_parameters(backbone):
    network = shapes(backbone)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    of_norms = sum(count(x.trainable_weights) for x in norms)
    assert (count(network.trainable_weights), of_norms) == COUNTS[backbone]
    assert network.output.shape == (None, 90, 9, 19)
    assert network.get_layer("pyramid_concat").output.shape[-1] == 4096


def test_auxiliary_logits():
    network = shapes("resnet101_deep", auxiliary=True)
    assert count(network.trainable_weights) == 68_072_166
    logits, auxiliary = network.output
    assert logits.shape == auxiliary.shape == (None, 90, 9, 19)
    convolution = network.get_layer("auxiliary_conv")
    assert convolution.input._keras_history.operation.name == "stack2_block22_out"
    assert convolution.filters == 256 and convolution.kernel_size == (3, 3)


def test_settings_of_the_published_program():
    network = shapes("resnet50_deep", auxiliary=True)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {(x.epsilon, x.momentum) for x in norms} == {(1e-5, 0.9)}
    drops = [x for x in network.layers if isinstance(x, keras.layers.Dropout)]
    assert {(type(x).__name__, x.rate) for x in drops} == {("SpatialDropout2D", 0.1)}
    assert {x.name for x in drops} == {"pyramid_projection_dropout", "auxiliary_dropout"}
    resizes = [x for x in network.layers if isinstance(x, ResizeLike)]
    assert len(resizes) == 4 and all(x.align_corners for x in resizes)
    order = [x._keras_history.operation.name for x in network.get_layer("pyramid_concat").input]
    assert order == ["stack3_block2_out", *(f"pyramid{size}_resize" for size in (1, 2, 3, 6))]
    biased = {x.name for x in network.layers if getattr(x, "use_bias", False)}
    assert biased == {"classifier", "auxiliary_classifier"}
    dilated = {x.name: x.dilation_rate[0] for x in network.layers if hasattr(x, "dilation_rate")}
    of_stages = [{dilated[f"stack{s}_block{b}_2_conv"] for b in (0, 1, 2)} for s in range(4)]
    assert of_stages == [{1}, {1}, {2}, {4}]


def test_the_corners_of_a_branch_are_its_parts():
    """Resized with aligned corners, so that its corner pixels are the averages themselves."""
    network = PSPNet("resnet18", 5, filters=4, bins=(1, 2), backbone_width=4)
    parts, resized = (network.get_layer(f"pyramid2_{x}").output for x in ("relu", "resize"))
    probe = keras.Model(network.input, [parts, resized])
    parts, resized = (np.asarray(x) for x in run(probe, images(1, 33, 41, 3)))
    assert parts.shape == (1, 2, 2, 4) and resized.shape == (1, 5, 6, 4)
    np.testing.assert_allclose(resized[:, :: 5 - 1, :: 6 - 1], parts, atol=1e-6)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`backbone` must be one of"):
        PSPNet("resnet")
    with pytest.raises(ValueError, match="`size` must be a positive integer"):
        PSPNet("resnet18", bins=(1, 0), backbone_width=4)
    image = keras.Input((64, 64, 3))
    one_stage = keras.Model(image, keras.layers.Conv2D(4, 4, 4)(image))
    with pytest.raises(ValueError, match="`auxiliary` must be False"):
        PSPNet(one_stage, filters=4, auxiliary=True)
