import numpy as np
import pytest
import tensorflow as tf

from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet
from recipes.segmentation.evaluation import Protocol, make_predict

SPECS = {"rgb": {"interpolation": "bilinear"}, "depth": {"interpolation": "nearest"}}


@pytest.fixture(scope="module")
def model():
    network = RefineNet("resnet18", 4, "light", (8, 8, 8, 8), backbone_width=8)
    return Segmenter(network, {"rgb": 3, "depth": 1})


@pytest.fixture
def images(rng):
    return {
        "rgb": tf.constant(rng.standard_normal((2, 40, 56, 3)), "float32"),
        "depth": tf.constant(rng.standard_normal((2, 40, 56, 1)), "float32"),
    }


def test_a_single_scale_is_the_models_softmax(model, images):
    probabilities = make_predict(model, SPECS, Protocol())(images)
    for key, logits in model(images).items():
        np.testing.assert_allclose(probabilities[key], tf.nn.softmax(logits), atol=1e-6)


def test_mirroring_makes_the_prediction_symmetric(model, images):
    predict = make_predict(model, SPECS, Protocol(flip=True))
    mirrored = predict({name: image[:, :, ::-1] for name, image in images.items()})
    direct = predict(images)
    np.testing.assert_allclose(mirrored["ensemble"][:, :, ::-1], direct["ensemble"], atol=1e-6)


def test_scales_are_averaged(model, images):
    both = make_predict(model, SPECS, Protocol((0.5, 1.0)))(images)["rgb"]
    half = make_predict(model, SPECS, Protocol((0.5,)))(images)["rgb"]
    whole = make_predict(model, SPECS, Protocol((1.0,)))(images)["rgb"]
    np.testing.assert_allclose(both, (half + whole) / 2, atol=1e-6)
    assert np.abs(half - whole).max() > 1e-3


def test_protocols_name_themselves():
    assert str(Protocol()) == "single scale, no mirroring"
    assert str(Protocol((0.75, 1.25), flip=True)) == "multi-scale (0.75, 1.25), with mirroring"
    with pytest.raises(ValueError, match="`scales` must be positive"):
        Protocol(())
