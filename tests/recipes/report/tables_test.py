import math
import re

import numpy as np
import pytest
from ml_collections import ConfigDict

from recipes.report.tables import (
    class_table,
    config_list,
    confusion_table,
    legend_list,
    results_table,
)


def bold(html):
    return re.findall("<b>(.*?)</b>", html)


def test_results_in_percent_with_the_best_bold():
    results = {
        "rgb": {"mean IoU": 0.4567, "pixel": 0.9},
        "ensemble": {"mean IoU": 0.5, "pixel": 0.8},
    }
    html = results_table(results)
    assert "<th>rgb</th><td>45.7</td><td><b>90.0</b></td>" in html
    assert bold(html) == ["90.0", "50.0"]


def test_lower_may_be_better_and_values_may_miss():
    results = {"a": {"FID": 62.63}, "b": {"FID": 78.82, "KID": 3.13}, "c": {"FID": math.nan}}
    html = results_table(results, percent=False, lower_is_better=("FID", "KID"))
    assert bold(html) == ["62.63", "3.13"]
    assert html.count("&ndash;") == 3


def test_one_branch_is_not_called_the_best():
    assert bold(results_table({"rgb": {"mean IoU": 0.4}})) == []


def test_classes_by_branch():
    iou = {"rgb": [0.25, math.nan], "depth": [0.75, math.nan]}
    html = class_table(iou, ["wall", "floor & rug"], legend={"wall": (1, 2, 3)})
    assert bold(html) == ["75.0"]
    assert "background:rgb(1,2,3)" in html and "floor &amp; rug" in html
    assert html.count("<td>&ndash;</td>") == 2 and "--share:25.0%" in html


@pytest.mark.parametrize(("classes", "lengths"), [(19, [19]), (40, [20, 20]), (41, [14, 14, 13])])
def test_many_classes_are_set_side_by_side(classes, lengths):
    html = class_table({"rgb": [0.5] * classes}, [f"c{i}" for i in range(classes)])
    assert [part.count("<tr>") - 1 for part in html.split("<table")[1:]] == lengths


def test_number_of_class_names():
    with pytest.raises(ValueError, match=r"each of the 2 `class_names`. Received: 3 values"):
        class_table({"rgb": [0.1, 0.2, 0.3]}, ["wall", "floor"])


@pytest.mark.parametrize("kind", [dict, ConfigDict])
def test_nested_config(kind):
    html = config_list(kind({"seed": 1, "fusion": {"l1": 6e-4, "name": "<cen>"}}))
    assert "<dt>seed</dt><dd>1</dd>" in html
    assert "<dt>fusion.l1</dt><dd>0.0006</dd>" in html
    assert "<dd>&lt;cen&gt;</dd>" in html


def test_legend():
    html = legend_list({"<wall>": (255, 0, 1)})
    assert "rgb(255,0,1)" in html and "&lt;wall&gt;" in html


def test_confusion_by_hand():
    matrix = np.array([[996, 4, 0], [0, 0, 0], [1, 1, 2]])
    html = confusion_table(matrix, ["wall", "<floor>", "door"])
    rows = re.findall("<tr><th>(.*?)</th>(.*?)</tr>", html.partition("<tbody>")[2])
    assert [name for name, _ in rows] == ["wall", "&lt;floor&gt;", "door"]
    cell = '<td style="--share:(.*?)%" title="(.*?)"(?: class="(.*?)")?>(.*?)</td>'
    found = [re.findall(cell, x) for _, x in rows]
    kinds = [[kind for _, _, kind, _ in row] for row in found]
    assert kinds == [["right dark", "", ""], ["", "right", ""], ["", "", "right"]]
    cells = [[(share, title, text) for share, title, _, text in row] for row in found]
    assert [[text for _, _, text in row] for row in cells] == [
        ["100", "", ""],
        ["", "", ""],
        ["25", "25", "50"],
    ]
    assert [share for share, _, _ in cells[2]] == ["25", "25", "50"]
    assert cells[2][0][1] == "door as wall" and cells[0][1][1] == "wall as &lt;floor&gt;"
    assert html.count("<th>") == 4 + 3
    with pytest.raises(ValueError, match=r"`matrix` must be \(2, 2\).*Received: shape \(3, 3\)"):
        confusion_table(matrix, ["wall", "floor"])
