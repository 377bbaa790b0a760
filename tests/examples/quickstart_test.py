"""The notebook: its code in order, at smaller sizes, and what is stored of its outputs."""

import ast
import json
import pathlib
import tempfile

import keras
import pytest

from keras_asym.networks import refinenet, resnet

pytestmark = [
    # Keras' data adapter leaves the iterator of a data set to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NOTEBOOK = pathlib.Path(__file__).parents[2] / "examples" / "quickstart.ipynb"
SMALL = "\nWIDTH = HEIGHT = 64\nFRAMES, TEST_FRAMES, EPOCHS = 8, 4, 1\n"


def code_cells():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the code exports a SavedModel")
def test_the_code_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # A ResNet-18 of one block a stage, and one pooling: graphs of half the size.
    monkeypatch.setitem(resnet._BLOCKS, 18, ((1, 1, 1, 1), False))
    monkeypatch.setattr(refinenet, "_POOLING_ROUNDS", 1)
    names, replaced = {"__name__": "quickstart"}, 0
    for number, cell in enumerate(code_cells()):
        source = "".join(cell["source"])
        if "parameters" in cell["metadata"].get("tags", ()):
            known = {x.id for x in ast.walk(ast.parse(source)) if isinstance(x, ast.Name)}
            assert known == {x.id for x in ast.walk(ast.parse(SMALL)) if isinstance(x, ast.Name)}
            source, replaced = source + SMALL, replaced + 1
        exec(compile(source, f"cell {number}", "exec"), names)
    assert replaced == 1
    assert names["logits"]["ensemble"].shape == (4, 64, 64, names["CLASSES"])
    assert len(names["history"]["loss"]) == 1
    assert names["agree"] > 0.99  # the served model answers as the trained one
    assert names["of_depth"]["classes"].shape == (1, 64, 64)
    assert [path.name for path in tmp_path.rglob("saved_model.pb")] == ["saved_model.pb"]


def test_outputs_are_stored_and_are_no_machine_s():
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    kinds = {output["output_type"] for output in outputs}
    assert kinds == {"execute_result"}, kinds  # nothing is printed, warned of or raised
    assert sum("image/png" in output["data"] for output in outputs) == 2
    text = json.dumps([output["data"].get("text/plain") for output in outputs])
    for word in ("/tmp", "/home", "/root", "site-packages", " at 0x"):
        assert word not in text
    assert NOTEBOOK.stat().st_size < 1e6


def test_no_cell_is_left_without_being_needed():
    """Each cell but the first ones uses what an earlier one has made."""
    made = set()
    for cell in code_cells():
        tree = ast.parse("".join(cell["source"]))
        names = [x for x in ast.walk(tree) if isinstance(x, ast.Name)]
        used = {x.id for x in names if isinstance(x.ctx, ast.Load)}
        assert not made or used & made or "parameters" in cell["metadata"].get("tags", ())
        made |= {x.id for x in names if isinstance(x.ctx, ast.Store)}
        made |= {x.name for x in tree.body if isinstance(x, ast.FunctionDef)}
