import numpy as np
import pytest
import tensorflow as tf

from keras_asym.export import export_saved_model
from keras_asym.fusion import ChannelExchanging
from keras_asym.models import Segmenter
from keras_asym.networks import RefineNet

DTYPES = {"rgb": "uint8", "depth": "uint16"}


@pytest.fixture(scope="module")
def model():
    network = RefineNet("resnet18", 4, "light", (8, 8, 8, 8), backbone_width=8)
    return Segmenter(network, {"rgb": 3, "depth": 1}, ChannelExchanging())


def preprocess(name, image):
    return tf.cast(image, "float32") / (255 if name == "rgb" else 1000)


def raw(batch, height, width):
    generator = np.random.default_rng(0)
    return {
        "rgb": generator.integers(0, 256, (batch, height, width, 3)).astype("uint8"),
        "depth": generator.integers(0, 5000, (batch, height, width, 1)).astype("uint16"),
    }


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return export_saved_model(model, tmp_path_factory.mktemp("model"), DTYPES, preprocess)


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 40, 56)])
def test_raw_images_of_any_size_and_number(model, exported, shape):
    served = tf.saved_model.load(exported).signatures["serving_default"]
    images = raw(*shape)
    outputs = served(**{name: tf.constant(image) for name, image in images.items()})
    logits = model({name: preprocess(name, image) for name, image in images.items()})["ensemble"]
    probabilities = tf.nn.softmax(logits).numpy()
    np.testing.assert_allclose(outputs["probabilities"], probabilities, atol=1e-5)
    classes = outputs["classes"].numpy()
    assert classes.dtype == "uint8" and classes.shape == shape
    assert (classes == probabilities.argmax(-1)).mean() > 0.999


def test_a_new_version_beside_the_old_one(model, exported):
    second = export_saved_model(model, exported.parent, DTYPES, preprocess)
    assert (exported.name, second.name) == ("1", "2")
    assert sorted(path.name for path in exported.parent.iterdir()) == ["1", "2"]


def test_unknown_modality(model, tmp_path):
    with pytest.raises(ValueError, match=r"must name the modalities.*'thermal'"):
        export_saved_model(model, tmp_path, {"rgb": "uint8", "thermal": "uint16"})
    assert not list(tmp_path.iterdir())
