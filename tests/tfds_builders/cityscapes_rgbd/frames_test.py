import numpy as np
import pytest

from tests.tfds_builders.cityscapes_rgbd import archives
from tfds_builders.cityscapes_rgbd.classes import to_train_ids
from tfds_builders.cityscapes_rgbd.frames import (
    find_frames,
    member,
    open_archives,
    read_frame,
)


@pytest.fixture
def folder(tmp_path):
    archives.write_zips(tmp_path, archives.contents())
    return tmp_path


def test_frames_are_sorted_and_other_members_do_not_matter(folder):
    opened = open_archives(folder)
    for split, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        assert find_frames(opened, split) == archives.FRAMES[name]


@pytest.mark.parametrize("kind", ["leftImg8bit", "gtFine", "disparity", "camera"])
def test_frame_that_one_archive_lacks(tmp_path, kind):
    contents = archives.contents()
    path = member(kind, "train", "aachen_000001_000019")
    del contents[kind][path]
    archives.write_zips(tmp_path, contents)
    with pytest.raises(ValueError, match=f"{kind}_trainvaltest.zip, member {path}: .*no such"):
        find_frames(open_archives(tmp_path), "train")


def test_half_resolution(folder):
    frame = "frankfurt_000000_000294"
    result = read_frame(open_archives(folder), "validation", frame, archives.SIZE, 2)
    rgb, ids, disparity = archives.arrays("val", frame)
    mean = rgb.astype(float).reshape(4, 2, 8, 2, 3).mean((1, 3))
    np.testing.assert_array_equal(result["rgb"], np.floor(mean + 0.5))
    np.testing.assert_array_equal(result["label"][..., 0], to_train_ids(ids, "")[::2, ::2])
    np.testing.assert_array_equal(result["disparity"][..., 0], disparity[::2, ::2])
    full = read_frame(open_archives(folder), "validation", frame, archives.SIZE, 1)
    np.testing.assert_array_equal(result["depth"], full["depth"][::2, ::2])
    assert len(np.unique(full["depth"])) > 10
