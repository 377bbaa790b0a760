"""What makes runs of the recipes short, where it is asked for by `usefixtures`."""

import hashlib

import pytest

from recipes.run_folder import RunFolder
from recipes.trained_run import TrainedRun
from tests import helpers


@pytest.fixture(scope="module")
def short_networks():
    """Graphs of less than half the size."""
    with helpers.short_networks():
        yield


@pytest.fixture(scope="module")
def shared_checkpoints():
    """Each checkpoint and selection is loaded, and its prediction compiled, once for all tests."""
    load, select, known = RunFolder.load, TrainedRun.select, {}

    def load_once(self, which="best"):
        key = hashlib.sha256(self.checkpoint(which).read_bytes()).digest()
        if key not in known or known[key].preprocessor is not None:  # made a preset
            known[key] = load(self, which)
        return known[key]

    def select_once(self, modalities):
        key = self.model, tuple(modalities)
        if key not in known:
            known[key] = select(self, modalities)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "load", load_once)
        patch.setattr(TrainedRun, "select", select_once)
        yield
