import os

import pytest

from tfds_builders.multimodal_folder import MultimodalFolderConfig


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my rooms").mkdir()
    (tmp_path / "my rooms" / "train.txt").write_text("a.png\tb.png\tc.png")
    return tmp_path / "my rooms"


def config(folder, **kwargs):
    return MultimodalFolderConfig(
        **{"root": folder, "lists": {"train": "train.txt"}, "num_classes": 4, **kwargs}
    )


def test_defaults(folder):
    made = config(folder)
    assert made.name.startswith("my_rooms-")
    assert made.columns == ("rgb", "label", "depth")
    assert made.label_column == made.crop_to == "label"
    assert made.name == config(str(folder)).name


def test_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    made = config("~/my rooms", lists={"train": "~/my rooms/train.txt"})
    assert made.root == str(folder)
    assert made.lists == {"train": str(folder / "train.txt")}


def test_name_follows_content(folder):
    names = {config(folder).name}
    names.add(config(folder, columns=("depth", "label", "rgb")).name)
    names.add(config(folder, num_classes=5).name)
    names.add(config(folder, num_classes=None, class_names=["a", "b", "c", "d"]).name)
    names.add(config(folder, crop_to="rgb").name)
    names.add(config(folder, resize=("rgb",)).name)
    names.add(config(folder, resize=("depth", "rgb")).name)
    names.add(config(folder, lists={"test": "train.txt"}).name)
    (folder / "train.txt").write_text("a.png\tb.png\td.png")
    names.add(config(folder).name)
    (folder.parent / "copy").mkdir()
    moved = folder.rename(folder.parent / "copy" / folder.name)
    names.add(config(moved).name)
    assert len(names) == 10
    one, other = config(moved, resize=("rgb", "depth")), config(moved, resize=["depth", "rgb"])
    assert one.name == other.name and one.resize == other.resize == ("depth", "rgb")


def test_an_edited_image_is_another_data_set(folder):
    (folder / "b.png").write_bytes(b"a mask")
    before = config(folder).name
    assert config(folder).name == before
    (folder / "b.png").write_bytes(b"a better mask")
    assert config(folder).name != before


def test_stamps_are_of_each_split(folder):
    (folder / "test.txt").write_text("d.png\te.png\tf.png")
    lists = {"train": "train.txt", "test": "test.txt"}
    before = config(folder, lists=lists).stamps
    assert list(before) == ["train", "test"] and before["train"] != before["test"]
    assert config(folder, lists=lists, num_classes=7).stamps == before
    (folder / "e.png").write_bytes(b"a mask")
    after = config(folder, lists=lists).stamps
    assert after["train"] == before["train"] and after["test"] != before["test"]
    stat = (folder / "e.png").stat()
    os.utime(folder / "e.png", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert config(folder, lists=lists).stamps["test"] != after["test"]
    (folder / "train.txt").write_text("b.png\ta.png\tc.png")
    assert config(folder, lists=lists).stamps["train"] != before["train"]


def test_files_behind_backslashes_are_stamped(folder):
    (folder / "rgb").mkdir()
    (folder / "rgb/a.png").write_bytes(b"a picture")
    (folder / "train.txt").write_text("rgb\\a.png\tb.png\tc.png")
    before = config(folder).name
    (folder / "rgb/a.png").write_bytes(b"a better picture")
    assert config(folder).name != before


def test_unreadable_list(folder):
    (folder / "train.txt").write_bytes("\u00e4.png\tb.png\tc.png".encode("latin-1"))
    with pytest.raises(ValueError, match=r"train\.txt: the list file .* save it as UTF-8"):
        config(folder)


def test_without_labels(folder):
    made = config(folder, columns=("rgb", "depth", "normal"), num_classes=None)
    assert made.label_column is None and made.crop_to is None and made.num_classes is None


def test_class_names(folder):
    made = config(folder, num_classes=None, class_names=["wall", "floor"])
    assert made.num_classes == 2


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"root": "nowhere"}, "`root` must be a folder"),
        ({"lists": "train.txt"}, "`lists` must map splits"),
        ({"lists": {}}, "`lists` must be distinct names"),
        ({"num_classes": 2, "label_values": (1, 2, 3)}, "3 values of 2 classes"),
        ({"num_classes": 2, "label_values": (1, 1)}, "`label_values` must be distinct whole"),
        ({"num_classes": 2, "void_values": (300,)}, "`void_values` must be distinct whole"),
        ({"num_classes": 2, "void_values": (0,)}, r"must not be values of classes.*\[0\]"),
        ({"lists": {"train": "none.txt"}}, "`lists` must name readable text files"),
        ({"lists": {"a/b": "train.txt"}}, "`lists` must hold names of letters"),
        ({"columns": "rgb"}, "`columns` must be distinct names"),
        ({"columns": ("rgb", "rgb")}, "`columns` must be distinct names"),
        ({"columns": ("rgb", "a b")}, "`columns` must hold names of letters"),
        ({"columns": ("rgb", "id")}, "`columns` must not hold 'id'"),
        ({"num_classes": None}, "`num_classes` .* must be given"),
        ({"num_classes": 256}, "`num_classes` .* 2 to 255"),
        ({"num_classes": 0}, "`num_classes` .* 2 to 255"),
        ({"num_classes": 1}, "label 255 is void.* background is 0 and the foreground 1"),
        ({"num_classes": None, "class_names": ["road"]}, "`num_classes` .* 2 to 255"),
        ({"num_classes": 3, "class_names": ["a", "b"]}, "`num_classes` must be the number of"),
        ({"class_names": ["a", "a"]}, "`class_names` must be distinct"),
        ({"crop_to": "thermal"}, "`crop_to` must be one of the columns"),
        ({"resize": ("thermal",)}, "`resize` must name some of the columns"),
        ({"resize": ("label",)}, "`resize` must name .*crop_to='label'"),
        ({"resize": "depth"}, "`resize` must be distinct names"),
        ({"resize": ("depth", "depth")}, "`resize` must be distinct names"),
        ({"columns": ("a", "b", "c"), "resize": ("a", "b", "c")}, "`resize` must name some"),
    ],
)
def test_bad_arguments(folder, kwargs, message):
    with pytest.raises(ValueError, match=message):
        config(folder, **kwargs)


def test_values_of_the_masks_make_another_data_set(folder):
    before = config(folder, num_classes=2)
    after = config(folder, num_classes=2, label_values=(1, 2), void_values=(0,))
    assert after.label_values == (1, 2) and after.void_values == (0,)
    assert after.name != before.name
    assert config(folder, num_classes=2, label_values=()).name == before.name
