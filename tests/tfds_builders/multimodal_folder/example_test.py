import numpy as np
import PIL.Image
import pytest

from tfds_builders.multimodal_folder.example import check_labels, class_indices, read_example
from tfds_builders.multimodal_folder.list_file import Row


def test_labels():
    label = np.array([[0, 1, 2, 255]], np.uint8)
    check_labels(label, 3)
    with pytest.raises(ValueError, match=r"0\.\.1, or 255 .*Received: 2 \(1 pixels\)\. "):
        check_labels(label, 2)
    label = np.array([[0, 3, 3, 254, 255]], np.uint8)
    with pytest.raises(ValueError, match=r"Received: 3 \(2 pixels\), 254 \(1 pixels\)"):
        check_labels(label, 3)
    check_labels(np.full((2, 2), 255, np.uint8), 1)
    check_labels(np.arange(256, dtype=np.uint8), 255)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x76\x2f\x31\x01\x02\0\0\0", "OpenEXR"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"", "empty"),
    ],
)
def test_errors_name_list_line_and_file(tmp_path, data, message):
    (tmp_path / "depth.exr").write_bytes(data)
    row = Row("train.txt", 7, {"depth": "depth.exr"})
    path = tmp_path / "depth.exr"
    with pytest.raises(ValueError, match=rf"^train\.txt, line 7: {path}: cannot be .*{message}"):
        read_example(tmp_path, row, None, None, None)


def test_only_columns_with_labels_must_be_lossless(tmp_path):
    PIL.Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.jpg")
    row = Row("train.txt", 1, {"thermal": "a.jpg", "label": "a.jpg"})
    assert set(read_example(tmp_path, row, None, None, None)) == {"thermal", "label"}
    with pytest.raises(ValueError, match=r"^train\.txt, line 1: .*a\.jpg: .*lossless"):
        read_example(tmp_path, row, "label", "label", 2)


def test_stored_values_become_class_indices():
    label = np.array([[1, 2, 3, 0, 255]], np.uint8)
    assert class_indices(label) is label
    found = class_indices(label, (1, 2, 3), (0,))
    assert found.dtype == np.uint8 and found.tolist() == [[0, 1, 2, 255, 255]]
    foreground = class_indices(np.array([[0, 255]], np.uint8), (0, 255))
    assert foreground.tolist() == [[0, 1]]
    assert class_indices(np.array([[0, 7]], np.uint8), (), (7,)).tolist() == [[0, 255]]
    with pytest.raises(ValueError, match=r"`label_values` \(1, 2\).*Received: \[0, 3\]"):
        class_indices(label, (1, 2))
