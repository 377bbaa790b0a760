import pytest

from tests.tfds_builders.taskonomy import archive
from tfds_builders.taskonomy.sources import Building, Line, read_example_list, read_split_file


def test_official_split_file(tmp_path):
    archive.write_splits(tmp_path)
    path = tmp_path / "train_val_test_tiny.csv"
    data = path.read_bytes()
    assert b"\r" in data and b"\n" not in data
    expected = {
        split: [Building(name) for name in names] for split, names in archive.BUILDINGS.items()
    }
    assert read_split_file(path) == expected
    for end in (b"\n", b"\r\n"):
        path.write_bytes(data.replace(b"\r", end))
        assert read_split_file(path) == expected


def test_buildings_of_no_split_and_empty_splits(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,train,val,test\rallensville,0,0,1\rbeechwood,0,0,0")
    assert read_split_file(path) == {"test": [Building("allensville")]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line must be"),
        ("id,train,test\ra,1,0", "the first line must be"),
        ("id,train,val,test\ra,0,0,0", "no building has a 1"),
        ("id,train,val,test\ra,1,0,0\rb,1", r"line 3: must be a building and three.*'b,1'"),
        ("id,train,val,test\ra,1,0,0,0", "line 2: must be a building and three numbers"),
        ("id,train,val,test\ra,1,1,0", "line 2: must be a building and three numbers"),
        ("id,train,val,test\ra,yes,no,no", "line 2: must be a building and three numbers"),
        ("id,train,val,test\r../a,1,0,0", "line 2: must begin with the name of a building"),
        ("id,train,val,test\ra,1,0,0\ra,0,0,1", "line 3: must begin with the name of a building"),
    ],
)
def test_broken_split_file(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.csv.*{message}"):
        read_split_file(path)


def test_missing_split_file(tmp_path):
    with pytest.raises(ValueError, match=r"a\.csv: cannot be read"):
        read_split_file(tmp_path / "a.csv")


def test_example_list(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("{domain}/a_domain_{domain}.png\n{domain}/b/c_domain_{domain}.png")
    assert read_example_list(path) == [
        Line("{domain}/a_domain_{domain}.png", f"{path}, line 1"),
        Line("{domain}/b/c_domain_{domain}.png", f"{path}, line 2"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{domain}/a.png\t{domain}/b.png", "there must be 1 tab-separated columns"),
        ("rgb/a_domain_rgb.png", "the path must hold the literal {domain}"),
        ("{domain}/../../a.png", "stay inside the folder"),
        ("/{domain}/a.png", "stay inside the folder"),
        ("{domain}/0.png", "occurs on line 1 already"),
        ("", "column 'path' is empty"),
    ],
)
def test_broken_example_list(tmp_path, line, message):
    path = tmp_path / "train.txt"
    path.write_text("{domain}/0.png\n" + line + "\n{domain}/1.png\n")
    with pytest.raises(ValueError, match=rf"train\.txt, line 2: .*{message}"):
        read_example_list(path)
