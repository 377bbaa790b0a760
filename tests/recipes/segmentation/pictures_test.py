import numpy as np
import pytest

from keras_asym.models import Calibration
from recipes.segmentation.colors import colorize
from recipes.segmentation.evaluation import Protocol
from recipes.segmentation.examples import SegmentationExamples
from recipes.segmentation.pictures import examples_beside_truth, predicted
from tests.models.tiny import CLASSES, VOID, tiny_segmenter

SPECS = {
    "rgb": {"channels": 3, "mean": 127.5, "std": 60.0},
    "depth": {"channels": 1, "mean": 500.0, "std": 300.0},
}


@pytest.fixture(scope="module")
def model():
    return tiny_segmenter(2)


@pytest.fixture
def example(rng):
    return {
        "id": np.array(b"kitchen"),
        "rgb": rng.integers(0, 255, (8, 12, 3)).astype("uint8"),
        "depth": rng.integers(1, 999, (8, 12, 1)).astype("uint16"),
        "label": np.where(np.arange(12) < 3, VOID, 1)[None, :, None].repeat(8, 0).astype("uint8"),
    }


def test_examples_beside_the_truth(model, example):
    examples = SegmentationExamples(SPECS, CLASSES)
    source = [example, {**example, "id": 7}, example]
    (name, pictures), (second, _) = examples_beside_truth(model, source, examples, Protocol(), 2)
    assert (name, second) == ("kitchen", "7")
    assert list(pictures) == ["input: rgb", "input: depth", "truth", "rgb", "depth", "ensemble"]
    np.testing.assert_array_equal(pictures["input: rgb"], example["rgb"])
    np.testing.assert_array_equal(pictures["truth"], colorize(example["label"][..., 0], CLASSES))
    assert len(examples_beside_truth(model, source, examples, Protocol(), 9)) == 3


def test_a_prediction_is_the_ensembles_with_its_confidence(model, example):
    raw = {name: example[name] for name in SPECS}
    found = predicted(model, raw, SPECS, Protocol())
    beside = examples_beside_truth(
        model, [example], SegmentationExamples(SPECS, CLASSES), Protocol(), 1
    )[0][1]
    np.testing.assert_array_equal(found["_colors"], beside["ensemble"])
    np.testing.assert_array_equal(colorize(found["_classes"][..., 0], CLASSES), found["_colors"])
    assert found["_overlay"].shape == example["rgb"].shape
    assert found["_confidence"].dtype == "uint16"
    assert found["_confidence"].min() >= 65535 // CLASSES  # the largest of five probabilities
    flat = dict.fromkeys(("rgb", "depth", "ensemble"), 1e6)
    calibration = Calibration(("rgb", "depth"), {("rgb", "depth"): flat})
    unsure = predicted(model, raw, SPECS, Protocol(), calibration)["_confidence"]
    np.testing.assert_allclose(unsure, 65535 / CLASSES, atol=2)
