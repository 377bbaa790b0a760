import sys

import numpy as np
import pytest

from tests.tfds_builders.sunrgbd_rgbd import official_archives as official
from tfds_builders.reading import FolderArchive, ZipArchive, limits
from tfds_builders.sunrgbd_rgbd.toolbox import Toolbox

FRAMES = official.make_frames()
decode_image = sys.modules["tfds_builders.reading.decode_image"]  # the name is its function, too


@pytest.mark.parametrize("unpacked", [False, True])
def test_splits_and_labels(tmp_path, unpacked):
    members = official.toolbox_members(FRAMES)
    if unpacked:
        official.write_folder(tmp_path, members)
        toolbox = Toolbox(FolderArchive(tmp_path))
    else:
        official.write_zip(tmp_path / "a.zip", members)
        toolbox = Toolbox(ZipArchive(tmp_path / "a.zip"))
    splits = toolbox.splits()
    assert [frame.index for frame in splits["train"]] == official.TRAIN
    assert [frame.index for frame in splits["test"]] == official.TEST
    assert [frame.camera for frame in splits["train"]] == ["kv1", "kv1", "realsense"]
    first = splits["train"][1]
    assert first.folder == "SUNRGBD/kv1/NYUdata/NYU0001"
    assert (first.image, first.depth) == ("NYU0001.jpg", "NYU0001.png")
    with toolbox.open_labels() as read_label:
        for frame in [*splits["train"], *splits["test"]]:
            label = read_label(frame)
            written = FRAMES[frame.index].label.astype(int)
            assert label.dtype == np.uint8
            np.testing.assert_array_equal(label[..., 0], np.where(written == 0, 255, written - 1))


def test_the_file_of_all_masks_may_be_large(tmp_path, monkeypatch):
    most = []
    local_path = ZipArchive.local_path

    def spy(archive, member, limit=0):
        most.append(limit)
        return local_path(archive, member, limit)

    monkeypatch.setattr(ZipArchive, "local_path", spy)
    official.write_zip(tmp_path / "a.zip", official.toolbox_members(FRAMES))
    toolbox = Toolbox(ZipArchive(tmp_path / "a.zip"))
    with toolbox.open_labels():
        assert most == [2**34] and most[0] > 10335 * 730 * 530 * 4


def test_a_mask_that_unpacks_to_too_much(tmp_path, monkeypatch):
    official.write_zip(tmp_path / "a.zip", official.toolbox_members(FRAMES))
    toolbox = Toolbox(ZipArchive(tmp_path / "a.zip"))
    frame = toolbox.splits()["train"][0]
    monkeypatch.setattr(limits, "MAX_IMAGE_BYTES", 10)
    with (
        toolbox.open_labels() as read_label,
        pytest.raises(ValueError, match=r"seglabel 5 .*an image may have 10 bytes"),
    ):
        read_label(frame)


KV1 = "/n/fs/sun3d/data/SUNRGBD/kv1"


@pytest.mark.parametrize(
    ("member", "data", "message"),
    [
        (official.META, b"", r"cannot be read as MATLAB file"),
        (official.META, official.mat_bytes(x=1), "must hold the variable SUNRGBDMeta"),
        (official.META, official.mat_bytes(SUNRGBDMeta=1), r"must have the fields \['depthname'"),
        (
            official.META,
            official.meta_bytes(FRAMES, rgbpath="/n/fs/SUNRGBD/../../kv1/a/image/b.jpg"),
            "frame 1: paths must be relative and stay inside",
        ),
        (
            official.META,
            official.meta_bytes(FRAMES, rgbpath="/n/fs/SUNRGBD/kv3/a/image/b.jpg"),
            "frame 1: paths must lead into SUNRGBD/ and one of",
        ),
        (
            official.META,
            official.meta_bytes(FRAMES, rgbpath="/n/fs/kv1/a/image/b.jpg"),
            "frame 1: paths must lead into SUNRGBD/. Received",
        ),
        (
            official.META,
            official.meta_bytes(FRAMES, rgbpath=[]),
            "frame 1: paths must lead into SUNRGBD/. Received: ''",
        ),
        (
            official.META,
            official.meta_bytes(FRAMES, rgbpath=KV1 + "/b3dodata/img_0063/image/img_0063.jpg"),
            "frame 5: 'SUNRGBD/kv1/b3dodata/img_0063' is listed twice",
        ),
        (
            official.SPLITS,
            official.split_bytes(FRAMES, test=[KV1 + "/unknown"]),
            "alltest, 3: SUNRGBDMeta.mat has no frame 'SUNRGBD/kv1/unknown'",
        ),
        (
            official.SPLITS,
            official.split_bytes(FRAMES, test=[KV1 + "/NYUdata/NYU0001"]),
            "alltest, 3: the frame 'SUNRGBD/kv1/NYUdata/NYU0001' is listed twice",
        ),
        (
            official.SPLITS,
            official.split_bytes(FRAMES, train=[KV1 + "/../../../a"]),
            "alltrain, 4: paths must be relative and stay inside",
        ),
        (
            official.SPLITS,
            official.mat_bytes(alltrain=official.cells([]), alltest=official.cells([])),
            "alltrain must not be empty",
        ),
    ],
)
def test_wrong_lists(tmp_path, member, data, message):
    official.write_zip(tmp_path / "a.zip", {**official.toolbox_members(FRAMES), member: data})
    with pytest.raises(ValueError, match=rf"a\.zip, member {member}: .*{message}"):
        Toolbox(ZipArchive(tmp_path / "a.zip")).splits()


@pytest.mark.parametrize("member", [official.META, official.SPLITS, official.LABELS])
def test_missing_members(tmp_path, member):
    members = official.toolbox_members(FRAMES)
    del members[member]
    official.write_zip(tmp_path / "a.zip", members)
    with pytest.raises(ValueError, match=rf"a\.zip, member {member}: there is no such member"):
        Toolbox(ZipArchive(tmp_path / "a.zip")).splits()


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.full((3, 4), 38, np.uint8), r"labels must be in 0\.\.37. Received: 38\.\.38"),
        (np.zeros((3, 4), np.float64), "must be an array .* of integers. Received: float64"),
        (np.zeros(3, np.uint8), r"must be an array .*shape \(3,\)"),
    ],
)
def test_wrong_labels(tmp_path, label, message):
    labels = [frame.label for frame in FRAMES[:-1]] + [label]
    members = {**official.toolbox_members(FRAMES), official.LABELS: official.label_bytes(labels)}
    official.write_zip(tmp_path / "a.zip", members)
    toolbox = Toolbox(ZipArchive(tmp_path / "a.zip"))
    frame = toolbox.splits()["train"][0]
    name = r"member SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg\.mat, seglabel 5 \(SUNRGBD/kv1/b3do"
    with toolbox.open_labels() as read_label, pytest.raises(ValueError, match=f"{name}.*{message}"):
        read_label(frame)


def test_fewer_labels_than_frames(tmp_path):
    labels = [frame.label for frame in FRAMES[:-1]]
    members = {**official.toolbox_members(FRAMES), official.LABELS: official.label_bytes(labels)}
    official.write_zip(tmp_path / "a.zip", members)
    toolbox = Toolbox(ZipArchive(tmp_path / "a.zip"))
    frame = toolbox.splits()["train"][0]
    with (
        toolbox.open_labels() as read_label,
        pytest.raises(ValueError, match=r"2Dseg\.mat, seglabel 5 \(SUNRGBD/kv1/b3dodata"),
    ):
        read_label(frame)
