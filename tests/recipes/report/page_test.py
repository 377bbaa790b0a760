from html.parser import HTMLParser

import numpy as np
import pytest

from recipes.report import write_report

VOID_ELEMENTS = ("meta", "img", "rect", "line")


class Page(HTMLParser):
    """Checks that elements are closed in order; collects headings and everything that loads."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.sources = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.sources += [value for key, value in attributes if key in ("src", "href")]
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture
def sections(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("epoch,loss,val_ensemble_mean_iou\n0,1.0,0.1\n1,0.5,0.2\n")
    picture = np.zeros((4, 6, 3), "uint8")
    return {
        "command": "python -m recipes.segmentation.train --workdir=<here>",
        "config": {"seed": 1},
        "results": {"rgb": {"mean IoU": 0.4}, "ensemble": {"mean IoU": 0.5}},
        "protocol": "Single-scale, test split, 2 images",
        "class_iou": {"rgb": [0.4, 0.4], "ensemble": [0.5, 0.5]},
        "class_names": ["wall", "<floor>"],
        "curves": log,
        "examples": [{"name": "<room>", "images": {"input: rgb": picture, "truth": picture}}],
        "legend": {"wall": (1, 2, 3)},
        "exchange": [
            {"name": "bn", "gamma": np.ones((2, 4)), "threshold": 0.02, "rate": np.zeros(2)}
        ],
        "modalities": ["rgb", "depth"],
    }


def read(path, **data):
    write_report(path, title="A <title> & more", **data)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_all_sections_in_one_file(tmp_path, sections):
    text, page = read(tmp_path / "report.html", **sections)
    assert page.headings == [
        "Results",
        "Examples",
        "IoU by class",
        "Learning curves",
        "Channel exchange",
        "Configuration",
    ]
    assert "Single-scale, test split, 2 images. Values in percent." in text
    assert len(page.sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "<script" not in text and "http" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "report.html"]


def test_names_are_escaped(tmp_path, sections):
    text, _ = read(tmp_path / "report.html", **sections)
    for name in ("<title> &", "<here>", "<room>", "<floor>"):
        assert name not in text
    assert "A &lt;title&gt; &amp; more</h1>" in text


def test_sections_without_data_are_left_out(tmp_path):
    _, page = read(tmp_path / "report.html")
    assert page.headings == []


@pytest.mark.parametrize(
    ("left_out", "heading"),
    [
        ("results", "Results"),
        ("examples", "Examples"),
        ("class_iou", "IoU by class"),
        ("curves", "Learning curves"),
        ("exchange", "Channel exchange"),
        ("config", "Configuration"),
    ],
)
def test_each_section_is_optional(tmp_path, sections, left_out, heading):
    _, page = read(tmp_path / "report.html", **{**sections, left_out: None})
    assert len(page.headings) == 5 and heading not in page.headings


@pytest.mark.parametrize("needed", ["protocol", "class_names", "modalities"])
def test_what_belongs_together(tmp_path, sections, needed):
    with pytest.raises(ValueError, match=f"`{needed}` must be given with"):
        read(tmp_path / "report.html", **{**sections, needed: None})
    assert not (tmp_path / "report.html").exists()


def test_results_that_are_no_fractions(tmp_path):
    results = {"cen": {"FID": 62.63}, "concat": {"FID": 78.82}}
    text, _ = read(
        tmp_path / "report.html",
        results=results,
        protocol="Clean FID",
        percent=False,
        lower_is_better=("FID",),
    )
    assert "<b>62.63</b>" in text and "percent" not in text


def test_an_old_report_is_replaced(tmp_path, sections):
    path = tmp_path / "report.html"
    read(path, **sections)
    text, page = read(path)
    assert page.headings == [] and "room" not in text
