import types
from html.parser import HTMLParser

import keras
import ml_collections
import numpy as np
import pytest

from keras_asym.layers import ChannelExchange, ModalityBatchNormalization
from recipes.report import page as pages
from recipes.report.page import curves, panel, put_section, run_sections, write_page
from recipes.report.sites import Site
from recipes.report.tables import class_table, confusion_table, legend_list
from recipes.report.wipe import SCRIPT

VOID_ELEMENTS = ("meta", "img", "input", "rect", "line")
PICTURE = np.zeros((4, 6, 3), "uint8")


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
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_ensemble_mean_iou\n0,1.0,0.1\n1,0.5,0.2\n")
    return path


@pytest.fixture
def task():
    """What a page asks of a task."""
    tables = [
        ("IoU by class", class_table({"rgb": [0.4, 0.4]}, ["wall", "<floor>"])),
        ("Confusion of the ensemble", confusion_table(np.eye(2), ["wall", "<floor>"])),
    ]
    return types.SimpleNamespace(
        percent=True,
        lower_is_better=(),
        main_metric="mean IoU",
        columns=lambda results: {"mean IoU": (100, 1)},
        config=ml_collections.ConfigDict({"seed": 1, "fusion": {"l1": 6e-4, "ensemble_rate": 1.0}}),
        legend=lambda: legend_list({"wall": (1, 2, 3)}),
        sections=lambda found: tables if found.details else [],
    )


@pytest.fixture
def found():
    return types.SimpleNamespace(
        protocol="single scale, <test> split",
        images=2,
        results={"rgb": {"mean IoU": 0.4}, "ensemble": {"mean IoU": 0.5}},
        details={"ensemble": np.eye(2)},
    )


def model(exchange=True):
    layer = ChannelExchange(ModalityBatchNormalization(2, name="bn"), 0.02)
    layer(np.zeros((2, 3, 3, 4), "float32"))
    network = keras.Sequential([layer] if exchange else [])
    return types.SimpleNamespace(network=network, modality_names=["rgb", "depth"])


PANELS = [("<room>", {"input: rgb": PICTURE, "truth": PICTURE})]


def write(path, sections, command=None):
    write_page(path, "A <title> & more", sections, command)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_a_page_holds_everything(tmp_path, task, found, log):
    sections = run_sections(task, found, model(), PANELS, log)
    path = tmp_path / "report.html"
    text, page = write(path, sections, "python -m recipes.segmentation.train --workdir=<here>")
    assert page.headings == [
        "Results",
        "Examples",
        "IoU by class",
        "Confusion of the ensemble",
        "Learning curves",
        "Channel exchange",
        "Configuration",
    ]
    assert "Single scale, &lt;test&gt; split, 2 images. Values in percent." in text
    assert "<td>40.0</td>" in text and "<b>50.0</b>" in text
    assert "<dt>fusion.l1</dt><dd>0.0006</dd>" in text and "rgb(1,2,3)" in text
    assert "No channel is exchanged" in text
    assert len(page.sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert text.count("<script>") == 1 and SCRIPT.read_text() in text  # its only one is inside
    assert "http" not in text and "url(" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "report.html"]


def test_names_are_escaped(tmp_path, task, found, log):
    sections = run_sections(task, found, model(), PANELS, log)
    text, _ = write(tmp_path / "report.html", sections, "train --workdir=<here>")
    for name in ("<title> &", "<here>", "<room>", "<floor>", "<test>"):
        assert name not in text
    assert "A &lt;title&gt; &amp; more</h1>" in text
    assert "<span>train</span> <span>--workdir=&lt;here&gt;</span>" in text


@pytest.mark.parametrize(
    "left_out", ["Examples", "IoU by class", "Learning curves", "Channel exchange"]
)
def test_sections_without_data_are_left_out(tmp_path, task, found, log, left_out):
    if left_out == "IoU by class":
        found.details = {}
    path = tmp_path / "none.csv" if left_out == "Learning curves" else log
    sections = run_sections(
        task, found, model(left_out != "Channel exchange"), PANELS * (left_out != "Examples"), path
    )
    _, page = write(tmp_path / "report.html", sections)
    assert left_out not in page.headings
    assert len(page.headings) == (5 if left_out == "IoU by class" else 6)


def test_results_that_are_no_fractions(tmp_path, task, found, log):
    task.percent, task.lower_is_better, task.main_metric = False, ("FID",), "FID"
    task.columns = lambda results: {"FID": (1, 2)}
    found.results = {"rgb": {"FID": 78.82}, "ensemble": {"FID": 62.63}}
    sections = run_sections(task, found, model(False), [], log)
    html = dict(sections)["Results"]
    assert "<b>62.63</b>" in html and "percent" not in html and "split, 2 images</p>" in html


def test_an_ensemble_below_a_branch_is_a_warning(task, found, log):
    better = dict(run_sections(task, found, model(False), [], log))["Results"]
    found.results["rgb"]["mean IoU"] = 0.6
    worse = dict(run_sections(task, found, model(False), [], log))["Results"]
    assert "WARNING" not in better
    assert 'class="warning"' in worse and "worse than its branch &#x27;rgb&#x27;" in worse


def test_the_style_is_the_file_s(tmp_path, monkeypatch):
    text, _ = write(tmp_path / "report.html", [])
    assert pages.STYLE.name == "page.css"
    assert f"<style>{pages.STYLE.read_text()}</style>" in text
    for name in (
        "confusion",
        "swatch",
        "panel",
        "warning",
        "legend",
        "bar",
        "wide",
        "side-by-side",
    ):
        assert f".{name}" in text  # what the tables are called
    other = tmp_path / "other.css"
    other.write_text("body { color: red }")
    monkeypatch.setattr(pages, "STYLE", other)
    text, _ = write(tmp_path / "report.html", [])
    assert "<style>body { color: red }</style>" in text


def test_a_page_without_sections_and_an_old_one_that_is_replaced(tmp_path, task, found, log):
    path = tmp_path / "report.html"
    write(path, run_sections(task, found, model(), PANELS, log), "train")
    text, page = write(path, [("Empty", "")])
    assert page.headings == [] and "room" not in text and "<pre>" not in text


def test_exchange_of_an_example_in_pictures(tmp_path, task, found, log):
    taken = np.array([[True, False], [False, False]])
    sites = [Site("block", taken, np.array([[[0.5]], [[0.0]]]))]
    panels = [
        (name, {"input: rgb": PICTURE, "input: depth": PICTURE}) for name in ("first", "second")
    ]
    sections = run_sections(task, found, model(), panels, log, (1, sites))
    text, page = write(tmp_path / "report.html", sections)
    assert page.headings[-2:] == ["Exchange in pictures", "Configuration"]
    assert "Where it acts: second" in text and "1 of 2 &middot; 50.0 %" in text


def test_the_script_is_that_of_pages_with_pictures_to_compare(tmp_path):
    text, _ = write(tmp_path / "report.html", [("Results", "<p>1</p>")])
    assert "<script" not in text


def test_many_pictures_have_rows_of_one_length():
    html = panel(("room", {str(number): PICTURE for number in range(8)}))
    assert "repeat(4," in html and html.count("<img") == 8


def test_a_row_of_pictures_in_order():
    html = panel(("room", {"input: rgb": PICTURE, "truth": PICTURE, "<rgb>": PICTURE}))
    Page(html)
    assert html.count("<img") == 3 and "repeat(3," in html
    assert html.index("input: rgb") < html.index("truth") < html.index("&lt;rgb&gt;")


def test_curves_without_a_log_or_values(tmp_path, log):
    assert curves(tmp_path / "none.csv") == ""
    assert curves(log).startswith('<img alt="Learning curves"')
    log.write_text("epoch,learning_rate\n0,1.0\n")
    assert curves(log) == ""


def test_a_section_that_comes_later_is_put_in_once_and_stays(tmp_path):
    sections = [("Results", "<p>1</p>"), ("Configuration", "<p>2</p>")]
    report = tmp_path / "report.html"
    put_section(tmp_path, "faults", "Faults", "<p>without a report</p>")
    write_page(report, "Run", sections)
    assert Page(report.read_text()).headings == ["Results", "Faults", "Configuration"]
    put_section(tmp_path, "faults", "Faults & more", "<p>other</p>")
    put_section(tmp_path, "others", "Others", "<p>3</p>")
    found = report.read_text()
    assert Page(found).headings == ["Results", "Faults & more", "Others", "Configuration"]
    assert "without a report" not in found and found.count("<p>other</p>") == 1
    write_page(report, "Run", sections)
    assert report.read_text() == found
