import numpy as np
import pytest

from keras_asym.models import Calibration
from recipes.report import maps
from recipes.segmentation.colors import colorize
from recipes.segmentation.evaluation import Protocol
from recipes.segmentation.examples import SegmentationExamples
from recipes.segmentation.pictures import examples_beside_truth, network_inputs, predicted
from tests.models.tiny import CLASSES, VOID, tiny_segmenter

DISAGREEMENT = "disagreement: square root, 0 to 0.69 nats"
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
    seen = ["input: rgb", "input: depth", "truth", "rgb", "depth", "ensemble"]
    assert list(pictures) == [*seen, DISAGREEMENT, "errors"]
    np.testing.assert_array_equal(pictures["input: rgb"], example["rgb"])
    np.testing.assert_array_equal(pictures["truth"], colorize(example["label"][..., 0], CLASSES))
    assert len(examples_beside_truth(model, source, examples, Protocol(), 9)) == 3


def test_disagreement_and_errors_by_hand(model, example):
    examples = SegmentationExamples(SPECS, CLASSES)
    inputs = network_inputs(example, examples)
    assert {name: x.shape for name, x in inputs.items()} == {
        "rgb": (1, 8, 12, 3),
        "depth": (1, 8, 12, 1),
    }
    outputs = {key: np.array(x) for key, x in model(inputs).items()}
    classes = outputs["ensemble"][0].argmax(-1)
    labels = np.where(np.arange(12) < 6, classes, (classes + 1) % CLASSES)
    labels[0] = VOID
    found = examples_beside_truth(
        model, [{**example, "label": labels[..., None]}], examples, Protocol(), 1
    )[0][1]
    errors = found["errors"]
    assert (errors[0] == maps.VOID).all()
    assert (errors[1:, :6] == maps.RIGHT).all() and (errors[1:, 6:] == maps.WRONG).all()
    nats = Calibration(("rgb", "depth")).uncertainty(model, outputs)[0]
    assert np.max(nats) > 0
    shown = maps.heat_map(np.sqrt(nats / np.log(2)), example["rgb"], 1.0)
    np.testing.assert_allclose(found[DISAGREEMENT].astype(int), shown, atol=1)


def test_one_branch_does_not_disagree(example):
    specs = {"rgb": SPECS["rgb"]}
    examples = SegmentationExamples(specs, CLASSES)
    (panel,) = examples_beside_truth(tiny_segmenter(1), [example], examples, Protocol(), 1)
    assert list(panel[1])[:2] == ["input: rgb", "truth"] and list(panel[1])[-1] == "errors"
    assert not any("disagreement" in caption for caption in panel[1])


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
