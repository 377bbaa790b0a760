import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_asym import networks
from recipes.image_translation.evaluation import (
    Inception,
    Protocol,
    check_size,
    columns,
    evaluate,
    text_table,
)
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


def inception(subset_size=4):
    """FID and KID of mean colours, in place of the Inception network's features."""
    made = Inception(subset_size=subset_size)
    layers = [keras.Input((24, 32, 3)), keras.layers.GlobalAveragePooling2D()]
    made.network = keras.Sequential(layers)
    return made


class Copy:
    """A network that paints its input, shifted."""

    output_keys = ("ensemble",)

    def __init__(self, shift=0.0):
        self.shift = shift

    def predict_on_batch(self, inputs):
        return {"ensemble": inputs["normal"] + self.shift}


def copied(count, size):
    return batches(count, size).map(lambda x, y, w: ({**x, "normal": y}, y, w))


def test_what_fills_the_last_batch_does_not_count():
    model = tiny_translator()
    one, three = (evaluate(model, batches(5, size), progress=False)[0] for size in (1, 3))
    assert set(one) == {"depth", "normal", "ensemble"}
    for key, values in one.items():
        assert three[key] == pytest.approx(values, rel=1e-5)


def test_an_image_that_is_the_target():
    found = evaluate(Copy(), copied(2, 2), progress=False)[0]["ensemble"]
    assert (found["MAE"], found["MSE"]) == (0, 0)
    assert found["PSNR"] == np.inf and found["SSIM"] == pytest.approx(1)


def test_figures_by_their_formulas():
    found = evaluate(Copy(0.25), copied(5, 2), progress=False)[0]["ensemble"]
    images = [(y.numpy(), np.clip(y.numpy() + 0.25, -1, 1)) for _, y, _ in copied(5, 1)]
    difference = [(painted - target) / 2 for target, painted in images]
    squares = [(x**2).mean() for x in difference]
    assert found["MAE"] == pytest.approx(np.mean([np.abs(x).mean() for x in difference]), rel=1e-5)
    assert found["MSE"] == pytest.approx(np.mean(squares), rel=1e-5)
    assert found["PSNR"] == pytest.approx(np.mean(-10 * np.log10(squares)), rel=1e-4)
    assert 0.5 < found["SSIM"] < 1


def test_values_beyond_the_range_are_clipped_before_anything_is_measured():
    found = evaluate(Copy(3.0), copied(5, 2), inception(), progress=False)[0]["ensemble"]
    expected = np.mean([1 - (y.numpy() + 1) / 2 for _, y, _ in copied(5, 1)])
    assert found["MAE"] == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(found["FID"])


def test_distances_of_a_network_are_in_the_table():
    assert not Inception(subset_size=4)
    measured = inception()
    results, _ = evaluate(tiny_translator(), batches(5, 2), measured, progress=False)
    assert list(columns(results)) == ["MAE", "MSE", "PSNR", "SSIM", "FID", "KID"]
    protocol = Protocol(measured).describe("test", False)
    assert "clean FID and KID (x 100), subsets of 4 images" in protocol
    assert "KID" in text_table(results, protocol, 5)
    assert {"KID standard error"} < set(results["ensemble"])


def test_the_distance_to_the_target_itself_is_none():
    found = evaluate(Copy(), copied(5, 2), inception(), progress=False)[0]["ensemble"]
    assert found["FID"] == pytest.approx(0, abs=1e-3)


def test_too_few_images_for_kid():
    with pytest.raises(ValueError, match="subset_size=6, 5 images"):
        inception(6).check(5)
    inception(5).check(5)
    Inception(subset_size=50).check(5)  # nothing is measured


def test_results_are_saved_as_soon_as_each_exists():
    saved = []

    def save(results, _):
        saved.append({key: set(values) for key, values in results.items()})

    evaluate(tiny_translator(), batches(5, 2), inception(), progress=False, save=save)
    figures = {"MAE", "MSE", "PSNR", "SSIM"}
    distances = figures | {"FID", "KID", "KID standard error"}
    keys = list(saved[0])
    assert saved == [
        {key: distances if index < step else figures for index, key in enumerate(keys)}
        for step in range(4)
    ]


def test_a_failure_of_the_distances_leaves_what_was_measured():
    saved = []
    with pytest.raises(ValueError, match="subset_size"):
        evaluate(Copy(), copied(5, 2), inception(6), False, lambda x, _: saved.append(dict(x)))
    assert list(saved[-1]["ensemble"]) == ["MAE", "MSE", "PSNR", "SSIM"]


def test_images_that_are_too_small_for_ssim():
    with pytest.raises(ValueError, match="at least 11 pixels"):
        evaluate(tiny_translator(), batches(2, 2, height=8, width=24), progress=False)
    with pytest.raises(ValueError, match=r"Received: \(10, 64\); set config.augmentation.size"):
        check_size((10, 64))
    check_size((11, 11))


def test_weights_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "FIDInception", lambda: None)  # which takes seconds to build
    with pytest.raises(ValueError, match="which is not there"):
        Inception(str(tmp_path / "inception.pth"))


def test_protocols_in_words():
    plain = "MAE and MSE of values in 0..1, PSNR in dB; FID and KID not measured, as no Inception"
    text = Protocol().describe("test", True)
    assert text.startswith(f"test split, dropout at test time on; {plain}")
    text = Protocol(modalities=("edge", "depth")).describe("validation", False)
    assert text.startswith(
        f"edge + depth alone, validation split, dropout at test time off; {plain}"
    )


def test_the_table_as_text():
    values = {"MAE": 0.12345, "MSE": 0.05, "PSNR": 21.5, "SSIM": 0.7654}
    distances = {"FID": 62.63, "KID": 0.0313, "KID standard error": 0.001}
    text = text_table({"edge": values, "ensemble": {**values, **distances}}, "test split", 9)
    assert [line.split() for line in text.splitlines()] == [
        ["MAE", "MSE", "PSNR", "SSIM"],
        ["edge", "0.1235", "0.0500", "21.50", "0.765"],
        ["ensemble", "0.1235", "0.0500", "21.50", "0.765"],
        ["test", "split;", "9", "images"],
    ]
    text = text_table({"ensemble": {**values, **distances}}, "test split", 9)
    assert text.splitlines()[1].split()[-2:] == ["62.6", "3.13"]
