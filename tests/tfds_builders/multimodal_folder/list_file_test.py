import re

import pytest

from tfds_builders.multimodal_folder.list_file import Row, read_list_file

COLUMNS = ("rgb", "label")


def read(tmp_path, text, columns=COLUMNS):
    path = tmp_path / "train.txt"
    path.write_bytes(text)
    return read_list_file(path, columns)


@pytest.mark.parametrize(
    "text",
    [
        b"rgb/1.png\tmasks/1.png\nrgb/2.png\tmasks/2.png",
        b"rgb/1.png\tmasks/1.png\nrgb/2.png\tmasks/2.png\n",
        b"rgb/1.png\tmasks/1.png\r\nrgb/2.png\tmasks/2.png\r\n",
        b"rgb/1.png\tmasks/1.png\rrgb/2.png\tmasks/2.png",
        b"\xef\xbb\xbfrgb/1.png\tmasks/1.png\nrgb/2.png\tmasks/2.png\n\n",
        b"rgb/1.png\tmasks/1.png\r\nrgb/2.png\tmasks/2.png\r\n  \r\n\t\r\n\r\n",
        b"rgb\\1.png\tmasks\\1.png\r\nrgb\\2.png\tmasks\\2.png\r\n",
        "\ufeffrgb/1.png\tmasks/1.png\r\nrgb/2.png\tmasks/2.png\r\n".encode("utf-16-le"),
        "\ufeffrgb/1.png\tmasks/1.png\nrgb/2.png\tmasks/2.png".encode("utf-16-be"),
    ],
)
def test_line_ends_and_encodings(tmp_path, text):
    first, second = read(tmp_path, text)
    assert first.paths == {"rgb": "rgb/1.png", "label": "masks/1.png"}
    assert (second.paths["label"], second.line) == ("masks/2.png", 2)


@pytest.mark.parametrize("text", [b"", b"\n", b"\n\n\n"])
def test_empty(tmp_path, text):
    with pytest.raises(
        ValueError, match=re.escape(f"{tmp_path / 'train.txt'}: the list file is emp")
    ):
        read(tmp_path, text)


def test_missing(tmp_path):
    with pytest.raises(ValueError, match="`lists` must name readable text files"):
        read_list_file(tmp_path / "none.txt", COLUMNS)


@pytest.mark.parametrize(
    "line", [b"rgb/1.png", b"a.png\tb.png\tc.png", b"rgb/1.png masks/1.png", b"\t\t", b""]
)
def test_wrong_number_of_columns(tmp_path, line):
    with pytest.raises(ValueError, match=r"train\.txt, line 2: there must be 2 tab-separated"):
        read(tmp_path, b"rgb/1.png\tmasks/1.png\n" + line + b"\nrgb/3.png\tmasks/3.png")


@pytest.mark.parametrize(
    "name",
    [b"../1.png", b"rgb/../../1.png", b"/rgb/1.png", b"..", b"..\\1.png", b"C:\\data\\1.png"],
)
def test_path_that_leaves_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match=r"line 1: paths must be relative and stay inside"):
        read(tmp_path, b"rgb/1.png\t" + name)


def test_path_with_a_detour_inside(tmp_path):
    assert (
        read(tmp_path, b"rgb/../rgb/..1.png\tmasks/1.png")[0].paths["rgb"] == "rgb/../rgb/..1.png"
    )


def test_empty_column(tmp_path):
    with pytest.raises(ValueError, match="line 1: column 'label' is empty"):
        read(tmp_path, b"rgb/1.png\t")


@pytest.mark.parametrize(
    "text",
    [
        "rgb/\u00e4.png\tmasks/1.png".encode("latin-1"),
        "rgb/1.png\tmasks/1.png".encode("utf-16-le"),  # without a byte order mark
        b"\xff\xfer",
        b"rgb/1.png\0\tmasks/1.png",
    ],
)
def test_other_encodings_name_the_list_and_the_fix(tmp_path, text):
    path = re.escape(str(tmp_path / "train.txt"))
    with pytest.raises(ValueError, match=rf"^{path}: the list file must be .*save it as UTF-8"):
        read(tmp_path, text)


def test_what_operating_systems_leave_is_left_out(tmp_path):
    text = b"rgb/.DS_Store\tmasks/.DS_Store\nrgb/1.png\tmasks/1.png\nrgb/Thumbs.db\tmasks/._1.png"
    (row,) = read(tmp_path, text)
    assert row.line == 2
    with pytest.raises(ValueError, match=r"train\.txt: the list file names no image"):
        read(tmp_path, b"rgb/.DS_Store\tmasks/.DS_Store")
    # Beside an image it is a fault of the list.
    assert len(read(tmp_path, b"rgb/.DS_Store\tmasks/1.png")) == 1


def test_umlauts(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (row,) = read(tmp_path, "K\u00fcche/1.png\tmasks/1.png".encode(encoding))
        assert row.paths["rgb"] == "K\u00fcche/1.png"


def test_files_that_a_row_requires(tmp_path):
    (tmp_path / "data/rgb").mkdir(parents=True)
    (tmp_path / "secret.png").write_text("")
    (tmp_path / "data/rgb/1.png").symlink_to(tmp_path / "secret.png")
    row = Row("train.txt", 3, {"rgb": "rgb/1.png"})
    with pytest.raises(ValueError, match=r"^train\.txt, line 3: .*rgb/1\.png: the symbolic link"):
        row.require(tmp_path / "data")
    Row("train.txt", 3, {"rgb": "data/rgb/1.png"}).require(tmp_path)
    with pytest.raises(ValueError, match=r"^train\.txt, line 3: .*2\.png: there is no such file"):
        Row("train.txt", 3, {"rgb": "rgb/2.png"}).require(tmp_path)
