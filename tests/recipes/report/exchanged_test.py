import re
import types

import numpy as np
import pytest

from recipes.report import exchanged
from recipes.report.exchanged import MAPS, ROWS, exchanged_section, look_at_example
from recipes.report.sites import Site

NAMES = ["rgb", "<depth>"]
PICTURES = dict.fromkeys(NAMES, np.full((6, 8, 3), 90, "uint8"))


def site(name="<block>", taken=((1, 0, 0, 0), (0, 0, 1, 1)), acting=(0.25, 0.5)):
    acting = np.broadcast_to(np.array(acting, "float32")[:, None, None], (2, 3, 4))
    return Site(name, None if taken is None else np.array(taken, bool), acting)


def section(*sites):
    return exchanged_section(sites, NAMES, "<room>", PICTURES)


def test_places_and_maps():
    html = section(site(), site("last", ((0, 0, 0, 0), (1, 1, 1, 1)), (0, 1)))
    strips, maps = html.split('<div class="panel maps">')
    assert re.findall("<span>(.*?)</span></td>", strips) == [
        "1 of 4 &middot; 25.0 %",
        "2 of 4 &middot; 50.0 %",
        "0 of 4 &middot; 0 %",
        "4 of 4 &middot; 100 %",
    ]
    assert strips.count("<img") == 4 and "layers are shown" not in strips
    captions = re.findall("<figcaption>(.*?)</figcaption>", maps)
    assert captions == [
        "rgb, &lt;block&gt;: 25.0 % on average",
        "&lt;depth&gt;, &lt;block&gt;: 50.0 % on average",
        "rgb, last: 0 % on average",
        "&lt;depth&gt;, last: 100 % on average",
    ]
    assert "</span> 100 %" in maps and "repeat(4," in maps  # the bar's end is the largest value
    for name in ("<block>", "<room>", "<depth>"):
        assert name not in html


def test_marks_stand_where_the_channels_are(monkeypatch):
    drawn = []

    def encode(image, longest=400):
        drawn.append(image)
        return b"x"

    monkeypatch.setattr(exchanged, "encode_image", encode)
    section(site())
    own, taken = exchanged.OWN, exchanged.TAKEN
    np.testing.assert_array_equal(drawn[0], [[taken, own, own, own]])
    np.testing.assert_array_equal(drawn[1], [[own, own, taken, taken]])


def test_of_many_layers_some_are_shown():
    html = section(*(site(f"block{index:02d}") for index in range(50)))
    assert html.count("<tr>") == ROWS + 1 and html.count("<figure>") == 2 * MAPS
    assert "block00" in html and "block49" in html and "24 of 50 layers are shown" in html


def test_tokens_and_absent_sensors():
    html = section(site(taken=None, acting=(0.25, np.nan)))
    assert "<td>25.0 % of the tokens</td>" in html and "<td>absent of" not in html
    assert "<td>absent</td>" in html and "&lt;depth&gt;, &lt;block&gt;: absent" in html


@pytest.mark.parametrize("sites", [[], [site(taken=np.zeros((2, 4)), acting=(0, 0))]])
def test_nothing_is_exchanged(sites):
    assert section(*sites) == ""


def test_the_example_that_has_all_sensors(monkeypatch):
    there = [[False, True], [True, True], [True, True]]
    monkeypatch.setattr(exchanged, "look_at_sites", lambda model, inputs: inputs["present"])
    task = types.SimpleNamespace(
        inputs_of=lambda model, source, number: {"present": np.array([source[number]])}
    )
    assert look_at_example(task, None, there, 3)[0] == 1
    number, seen = look_at_example(task, None, there, 1)
    assert number == 0 and seen.tolist() == [[False, True]]
    assert look_at_example(task, None, there, 0) == (0, [])
    assert look_at_example(task, None, [], 2) == (0, [])
