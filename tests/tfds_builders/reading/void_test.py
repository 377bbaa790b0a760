import pathlib
import re

from tfds_builders.reading import VOID

ROOT = pathlib.Path(__file__).parents[3]


def test_void_is_defined_once():
    assert VOID == 255
    defining = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tfds_builders").rglob("*.py")
        if re.search(r"VOID\w* = ", path.read_text())
    ]
    assert defining == ["tfds_builders/reading/void.py"]
