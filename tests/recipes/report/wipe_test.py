import re

from recipes.report.wipe import SCRIPT, script, wipe

PANELS = [("<room>", {"input: rgb": 0, "<truth>": 1, "ensemble": 2, "errors": 3}), ("other", {})]


def lists(html):
    found = []
    for options in re.findall("<select.*?>(.*?)</select>", html):
        one = re.findall(r'<option value="(\d)"( selected)?>(.*?)</option>', options)
        (chosen,) = [value for value, selected, _ in one if selected]
        assert [int(value) for value, _, _ in one] == list(range(len(one)))
        found.append(([word for _, _, word in one], int(chosen)))
    return found


def test_examples_and_pictures_to_choose_from():
    examples, left, right = lists(wipe(PANELS))
    assert examples == (["&lt;room&gt;", "other"], 0)
    words = ["input: rgb", "&lt;truth&gt;", "ensemble", "errors"]
    assert left == (words, 0) and right == (words, 2)
    merged = [("room", {"input: rgb": 0, "target": 1})]
    assert lists(wipe(merged))[2] == (["input: rgb", "target"], 1)


def test_nothing_to_compare():
    assert wipe([]) == "" and wipe([("room", {"input: rgb": 0})]) == ""


def test_only_pages_with_a_slider_have_the_script():
    assert script("<p></p>") == ""
    found = script(wipe(PANELS))
    assert SCRIPT.read_text() in found and found.startswith("<script>")
    # What the script looks for, the page has.
    for word in (".wipe", "select", "input", "img"):
        assert f'"{word}"' in found
    assert wipe(PANELS).count("<img") == 2 and wipe(PANELS).count("<input") == 1
