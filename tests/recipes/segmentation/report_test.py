import csv

import numpy as np

from recipes.segmentation import report
from recipes.task import Evaluation

VALUES = {"pixel accuracy": 0.5, "mean accuracy": 0.5, "mean IoU": 0.25, "ECE": 0.125}
MATRICES = {"rgb": np.array([[1, 3], [0, 0]]), "ensemble": np.array([[3, 1], [0, 0]])}
NAMES = ["wall", "floor"]
SOURCE = {"split": "validation", "images": 9}


def found(*outputs):
    results = {key: dict(VALUES) for key in outputs}
    return Evaluation("single scale", 7, results, {key: MATRICES[key] for key in outputs})


def test_the_text_has_each_output_its_confidence_and_the_classes_of_the_ensemble():
    lines = report.text(found("rgb", "ensemble"), NAMES, SOURCE).splitlines()
    rows = [line.split() for line in lines]
    assert ["rgb", "50.0", "50.0", "25.0"] in rows and ["ensemble", "12.50"] in rows
    assert ["wall", "75.0", "75.0", "100.0", "4"] in rows  # not the 25.0 of rgb
    assert "calibrated (cal.) on 9 images of the validation split" in "\n".join(lines)
    assert report.text(found("rgb"), NAMES, None).count("not calibrated") == 1


def test_files_hold_every_output_class_by_class():
    tables, details = report.files(found("rgb", "ensemble"), NAMES, SOURCE)
    head, *rows = csv.reader(tables["classes.csv"].splitlines())
    assert head == ["output", "class", "IoU", "accuracy", "precision", "pixels"]
    assert [row[:3] for row in rows[::2]] == [["rgb", "wall", "0.25"], ["ensemble", "wall", "0.75"]]
    assert details["confusion"]["ensemble"] == [[3, 1], [0, 0]]
    assert (details["class_names"], details["calibration"]) == (NAMES, SOURCE)


def test_sections_show_the_ensemble_or_the_only_output():
    both = dict(report.sections(found("rgb", "ensemble"), NAMES, None))
    assert list(both) == ["IoU by class", "Confusion of the ensemble", "Confidence"]
    assert ">75</td>" in both["Confusion of the ensemble"] and "0.125" in both["Confidence"]
    one = dict(report.sections(found("rgb"), NAMES, None))
    assert one["Confusion of the ensemble"] != both["Confusion of the ensemble"]
    assert ">25</td>" in one["Confusion of the ensemble"].partition("wall as floor")[0]
