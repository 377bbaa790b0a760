import types

import ml_collections
import pytest

from recipes.image_translation.task import ImageTranslation
from recipes.report.ensemble import ensemble_warning
from recipes.segmentation.task import Segmentation


def warning(task, ensemble, **branches):
    metric = task.main_metric
    results = {name: {metric: value} for name, value in {**branches, "ensemble": ensemble}.items()}
    return ensemble_warning(task(task.default_config()), results)


@pytest.mark.parametrize(
    ("ensemble", "branches"),
    [
        (0.5, {"rgb": 0.4, "depth": 0.45}),
        (0.5, {"rgb": 0.5}),
        (0.7112, {"rgb": 0.7114}),  # the table shows one figure for both
        (0.5, {}),  # where the modalities are merged
    ],
)
def test_an_ensemble_that_pays(ensemble, branches):
    assert warning(Segmentation, ensemble, **branches) == ""


def test_an_ensemble_below_a_branch():
    text = warning(Segmentation, 0.713, optical=0.756, radar=0.72)
    words = "The ensemble is worse than its branch 'optical' on this split: mean IoU 71.3, and 75.6"
    assert text.startswith(words)
    assert "--config.fusion.ensemble=pixel" in text and "fusion.ensemble_rate=30" in text


def test_the_advice_is_not_what_is_done_already():
    config = ml_collections.ConfigDict({"fusion": {"ensemble": "pixel", "ensemble_rate": 30.0}})
    task = types.SimpleNamespace(
        main_metric="mean IoU",
        lower_is_better=(),
        config=config,
        columns=lambda results: {"mean IoU": (100, 1)},
    )
    text = ensemble_warning(task, {"rgb": {"mean IoU": 0.6}, "ensemble": {"mean IoU": 0.5}})
    assert "50.0, and 60.0 of the branch." in text and "--config" not in text


def test_errors_of_a_translation_should_be_low():
    assert warning(ImageTranslation, 0.02, depth=0.03, normal=0.04) == ""
    text = warning(ImageTranslation, 0.025, depth=0.04, normal=0.02)
    assert "its branch 'normal' on this split: MAE 0.025" in text
    assert "ensemble_rate=30" in text and "ensemble=pixel" not in text
