import numpy as np
import pytest
import tensorflow as tf

from keras_asym.networks import FIDInception
from recipes.image_translation.evaluation import Inception, columns, describe, evaluate, text_table
from tests.helpers import randomize
from tests.models.tiny_translator import batch, tiny_translator


def batches(count, size, **kwargs):
    """Batches of `size` with weights; the last one is filled up with images of zeros."""
    x, y = batch(size=count, **kwargs)
    y = np.clip(y, -1, 1)
    filled = -(-count // size) * size
    fill = [(0, filled - count), (0, 0), (0, 0), (0, 0)]
    x, y = {name: np.pad(image, fill) for name, image in x.items()}, np.pad(y, fill)
    weights = (np.arange(filled) < count).astype("float32")
    return tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(size)


def test_what_fills_the_last_batch_does_not_count():
    model = tiny_translator()
    one, three = (evaluate(model, batches(5, size), progress=False) for size in (1, 3))
    assert set(one) == {"depth", "normal", "ensemble"}
    for key, values in one.items():
        assert three[key] == pytest.approx(values, rel=1e-5)


def test_an_image_that_is_the_target():
    class Copy:
        output_keys = ("ensemble",)

        def __call__(self, inputs, training):
            return {"ensemble": inputs["normal"]}

    data = batches(2, 2).map(lambda x, y, w: ({**x, "normal": y}, y, w))
    found = evaluate(Copy(), data, progress=False)["ensemble"]
    assert (found["MAE"], found["MSE"]) == (0, 0)
    assert found["PSNR"] == np.inf and found["SSIM"] == pytest.approx(1)


def test_distances_of_a_network_are_in_the_table():
    inception = Inception(subset_size=4)
    assert not inception
    inception.network = randomize(FIDInception(width=2))
    results = evaluate(tiny_translator(), batches(5, 2), inception, progress=False)
    assert list(columns(results)) == ["MAE", "MSE", "PSNR", "SSIM", "FID", "KID"]
    protocol = describe("test", False, inception)
    assert "clean FID and KID (x 100), subsets of 4 images" in protocol
    assert "KID" in text_table(results, protocol, 5)
    inception.subset_size = 6
    with pytest.raises(ValueError, match="subset_size=6, 5 images"):
        inception.check(5)
    with pytest.raises(ValueError, match="subset_size"):
        evaluate(tiny_translator(), batches(5, 2), inception, progress=False)


def test_images_that_are_too_small_for_ssim():
    with pytest.raises(ValueError, match="at least 11 pixels"):
        evaluate(tiny_translator(), batches(2, 2, height=8, width=24), progress=False)


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match="which is not there"):
        Inception(str(tmp_path / "inception.pth"))
