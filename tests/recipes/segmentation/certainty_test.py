import types

import numpy as np
import pytest

from keras_asym.models import Calibration
from recipes.segmentation.certainty import Certainty, certainty_text, known_figures, log_of
from tests.metrics.pixel_figures import METRICS, example, expected
from tests.models.tiny import VOID

NAMES = ("ECE", "NLL", "Brier", "AURC")
MODEL = types.SimpleNamespace(
    output_keys=("rgb", "ensemble"), modality_names=("rgb",), ignore_class=VOID
)


def probabilities(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_figures_of_probabilities_raw_and_calibrated():
    calibration = Calibration(("rgb",), {("rgb",): {"rgb": 2.0, "ensemble": 0.5}})
    certainty = Certainty(MODEL, calibration)
    labels, logits = example(0, 3)
    for row in range(3):
        part = {key: probabilities(logits[row : row + 1]) for key in MODEL.output_keys}
        certainty.update(labels[row : row + 1], part)
    results = certainty.results()
    for prefix, key, temperature in (
        ("", "rgb", 1),
        ("calibrated ", "rgb", 2),
        ("calibrated ", "ensemble", 0.5),
    ):
        figures = expected(labels, logits / temperature)
        for name, metric in zip(NAMES, METRICS, strict=True):
            found = results[key][f"{prefix}{name}"]
            rel = 1e-2 if name == "AURC" else 1e-4  # exact up to its bins
            assert found == pytest.approx(figures[metric], rel=rel), (prefix, key, name)
    counts = certainty.curves()["rgb"]["calibrated"]["diagram"][0]
    assert counts.sum() == (labels != VOID).sum()


def test_who_is_absent_has_no_branch_and_the_temperature_of_the_others():
    model = types.SimpleNamespace(
        output_keys=("rgb", "depth", "ensemble"), modality_names=("rgb", "depth"), ignore_class=VOID
    )
    both, rgb = {"rgb": 1.0, "depth": 1.0, "ensemble": 2.0}, {"rgb": 3.0, "ensemble": 4.0}
    calibration = Calibration(("rgb", "depth"), {("rgb", "depth"): both, ("rgb",): rgb})
    certainty = Certainty(model, calibration)
    labels, logits = example(0, 2)
    present = np.array([[True, True], [True, False]])
    certainty.update(labels, dict.fromkeys(model.output_keys, probabilities(logits)), present)
    found = {key: x["calibrated NLL"] for key, x in certainty.results().items()}
    nll = METRICS[1]
    assert found["depth"] == pytest.approx(expected(labels[:1], logits[:1])[nll], rel=1e-4)
    for key, temperatures in (("rgb", (1.0, 3.0)), ("ensemble", (2.0, 4.0))):
        scaled = logits / np.array(temperatures)[:, None, None, None]
        assert found[key] == pytest.approx(expected(labels, scaled)[nll], rel=1e-4)


def test_without_temperatures_there_are_raw_figures_alone():
    certainty = Certainty(MODEL)
    labels, logits = example()
    certainty.update(labels, {key: probabilities(logits) for key in MODEL.output_keys})
    assert set(certainty.results()["rgb"]) == set(NAMES)
    assert "not calibrated" in certainty_text(certainty.results())[-1]


def test_probabilities_of_zero_are_finite():
    assert np.isfinite(log_of(np.array([0.0, 1.0], "float32"))).all()


def test_the_table_by_hand():
    values = {"mean IoU": 0.5, "ECE": 0.0123, "NLL": 1.5, "Brier": 0.25, "AURC": 0.001}
    values |= {f"calibrated {name}": values[name] / 2 for name in NAMES}
    lines = certainty_text({"ensemble": values}, {"split": "validation", "images": 7})
    assert lines[1].split() == ["ECE", "NLL", "Brier", "AURC"] + [
        word for name in NAMES for word in ("cal.", name)
    ]
    assert lines[2].split() == [
        "ensemble",
        "1.23",
        "1.5000",
        "0.2500",
        "0.100",
        "0.61",
        "0.7500",
        "0.1250",
        "0.050",
    ]
    assert lines[3].endswith("calibrated (cal.) on 7 images of the validation split")
    assert certainty_text({"ensemble": {"mean IoU": 0.5}}) == []
    assert known_figures({}) == {}
