import json

import pytest

from recipes.run_folder import RunFolder
from recipes.segmentation.calibration import NAME
from recipes.segmentation.task import Segmentation
from recipes.trained_run import TrainedRun
from tests.recipes.segmentation.tiny import tiny_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that nobody has trained."""
    config = tiny_config(tmp_path_factory.mktemp("data"))
    config.data.num_examples = {"train": 2, "test": 3}
    task = Segmentation(config)
    task.open()
    run = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    run.write_config(task)
    task.build_model(1).save(run.path / "best.keras")
    return run.path


def test_the_model_is_loaded_once_whatever_is_selected(folder, monkeypatch):
    loads = []
    load = RunFolder.load
    monkeypatch.setattr(
        RunFolder, "load", lambda self, which: loads.append(which) or load(self, which)
    )
    run = TrainedRun(Segmentation, folder)
    assert loads == []  # wrong arguments are told before
    alone = run.select(("depth",))
    assert alone.modality_names == ("depth",) and alone.jit_compile is False
    assert run.select(()) is run.select(("rgb", "depth")) is run.model
    assert loads == ["best"]
    ours = {id(x) for x in run.model.trainable_variables}
    assert ours >= {id(x) for x in alone.trainable_variables}


def test_the_data_of_a_split_and_how_a_protocol_calls_it(folder):
    run = TrainedRun(Segmentation, folder)
    dataset, source = run.data("test")
    assert dataset.builder.info.name == "rendered_rooms" and len(source) == 3
    assert set(source[0]) >= {"rgb", "depth", "label"}
    assert run.words("test") == "test" and "was chosen" in run.words("validation")


def test_what_lies_beside_the_model_is_read_where_it_is_asked_for(folder):
    path = folder / NAME
    path.write_text(json.dumps({"version": 0}))
    try:
        with pytest.raises(ValueError, match="must be of version"):
            TrainedRun(Segmentation, folder)
        assert TrainedRun(Segmentation, folder, beside=False).task.calibration is None
    finally:
        path.unlink()
    with pytest.raises(ValueError, match=r"last\.keras is not there"):
        _ = TrainedRun(Segmentation, folder, "last").model
