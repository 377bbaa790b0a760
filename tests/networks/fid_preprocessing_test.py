import keras
import numpy as np
import pytest

from keras_asym.networks import FIDPreprocessing
from tests.helpers import call_compiled

TOLERANCE = 2e-4  # positions are float32, as TensorFlow's; a grey level is 8e-3


def images(height, width):
    return np.random.default_rng(height).integers(0, 256, (2, height, width, 3)).astype("float32")


def resize_of_tensorflow_1(x):
    """Bilinear, output pixel i at i * size / 299, beyond the last pixel its value."""
    for axis in (1, 2):
        size = x.shape[axis]
        position = np.arange(299) * (size / 299)
        nodes = np.arange(size)
        x = np.apply_along_axis(lambda row: np.interp(position, nodes, row), axis, x)  # noqa: B023
    return x


@pytest.mark.parametrize("size", [(1, 1), (37, 61), (299, 299), (410, 300)])
def test_resizes_as_tensorflow_1(size):
    x = images(*size)
    expected = (resize_of_tensorflow_1(x) - 128) / 128
    outputs = FIDPreprocessing()(x)
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)
    if size == (299, 299):
        np.testing.assert_array_equal(outputs, (x - 128) / 128)


def test_dynamic_size_and_compiled(tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, FIDPreprocessing()(inputs))
    assert model.output_shape == (None, 299, 299, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for size in ((20, 30), (31, 8)):
        expected = (resize_of_tensorflow_1(images(*size)) - 128) / 128
        for outputs in (
            loaded.predict_on_batch(images(*size)),
            call_compiled(model, images(*size)),
        ):
            np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)
