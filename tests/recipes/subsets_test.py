from recipes.segmentation.task import Segmentation
from recipes.subsets import subsets, table
from tests.recipes.segmentation.tiny import tiny_config


def test_subsets_are_all_but_the_empty_one():
    assert list(subsets("ab")) == [("a", "b"), ("a",), ("b",)]
    assert len(subsets("abcd")) == 15


def test_mean_and_worst_by_hand():
    scores = {"rgb + depth": 0.6, "rgb": 0.5, "depth": 0.1}
    metrics = ("pixel accuracy", "mean accuracy", "mean IoU")
    found = {names: dict.fromkeys(metrics, score) for names, score in scores.items()}
    lines = table(Segmentation(tiny_config("nowhere")), found).splitlines()
    assert lines[0] == "| sensors | pixel accuracy | mean accuracy | mean IoU |"
    assert lines[2] == "| rgb + depth |" + " 60.0 |" * 3
    assert lines[5] == "| mean over the 3 subsets (EMM) |" + " 40.0 |" * 3
    assert lines[6] == "| worst: depth |" + " 10.0 |" * 3
