import keras
import numpy as np
import pytest

from keras_asym.fusion import PrivateNormalization, to_multimodal
from tests.fusion.examples import BACKBONES, backbone, bottlenecks
from tests.helpers import arrays, images, randomize, run


def assert_close(actual, expected):
    """Every entry within 1e-6 of the largest magnitude in its array."""
    actual, expected = arrays(actual), arrays(expected)
    for x, y in zip(actual, expected, strict=True):
        assert np.abs(x - y).max() <= 1e-6 * np.abs(y).max()


@pytest.mark.parametrize("name", BACKBONES)
def test_each_modality_gets_the_features_of_the_original_network(name):
    network = backbone(name)
    model = to_multimodal(network, {"rgb": 3, "depth": 1}, PrivateNormalization())
    rgb, depth = images(2, 64, 64, 3), images(2, 64, 64, 1)
    outputs = run(model, {"rgb": rgb, "depth": depth})
    both = np.stack([rgb, np.repeat(depth, 3, -1)], 1).reshape(4, 64, 64, 3)
    expected = run(network, both)
    for row, modality in enumerate(("rgb", "depth")):
        assert_close(
            outputs[modality], keras.tree.map_structure(lambda x, row=row: x[row::2], expected)
        )
    plain = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert not plain


@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_number_of_modalities(modalities):
    network = bottlenecks()
    names = ["rgb", "depth", "edge"][:modalities]
    inputs = {name: images(2, 8, 9, 3, seed=len(name)) for name in names}
    model = to_multimodal(network, dict.fromkeys(names, 3))
    assert list(model.output) == list(model.input) == names
    outputs = run(model, inputs)
    for name in names:
        assert_close(outputs[name], network(inputs[name]))


def test_a_modality_does_not_see_the_others():
    model = to_multimodal(bottlenecks(), {"rgb": 3, "depth": 3})
    rgb, depth = images(2, 8, 9, 3, seed=1), images(2, 8, 9, 3, seed=2)
    first = model({"rgb": rgb, "depth": depth}, training=True)
    second = model({"rgb": rgb, "depth": 9 * depth}, training=True)
    np.testing.assert_array_equal(first["rgb"], second["rgb"])
    assert not np.allclose(first["depth"], second["depth"])


def test_norms_are_private_and_convolutions_shared():
    network = bottlenecks()
    model = to_multimodal(network, {"rgb": 3, "depth": 3})
    norms = sum(layer.count_params() for layer in network.layers if "bn" in layer.name)
    assert model.count_params() == network.count_params() + norms


def test_the_number_of_channels_is_fitted():
    network = bottlenecks()
    model = to_multimodal(network, {"rgb": 3, "depth": 1, "flow": 2, "hyper": 5})
    randomize(model.get_layer("hyper_projection"))
    kernel = arrays(model.get_layer("hyper_projection").kernel)[0][0, 0]
    inputs = {
        name: images(2, 8, 9, channels)
        for name, channels in {"rgb": 3, "depth": 1, "flow": 2, "hyper": 5}.items()
    }
    outputs = run(model, inputs)
    fitted = {
        "rgb": inputs["rgb"],
        "depth": inputs["depth"][..., [0, 0, 0]],
        "flow": inputs["flow"][..., [0, 1, 0]],
        "hyper": inputs["hyper"] @ kernel,
    }
    for name, x in fitted.items():
        np.testing.assert_allclose(outputs[name], network(x), rtol=1e-5, atol=1e-5)
