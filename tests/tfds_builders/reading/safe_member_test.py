import pytest

from tfds_builders.reading import safe_member


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("a/b.png", "a/b.png"),
        ("./a//b.png", "a/b.png"),
        ("a\\b.png", "a/b.png"),
        ("..a/b", "..a/b"),
    ],
)
def test_inside(name, inside):
    assert safe_member(name) == inside


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "a/../../b.png",
        "..\\a.png",
        "/a.png",
        "\\a.png",
        "..",
        ".",
        "",
        " ",
        "C:\\a.png",
    ],
)
def test_outside(name):
    with pytest.raises(ValueError, match=r"paths must be relative.*Received: "):
        safe_member(name)
