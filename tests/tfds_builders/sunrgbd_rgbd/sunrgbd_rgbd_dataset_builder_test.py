import io
import pathlib
import tempfile

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tests.tfds_builders.sunrgbd_rgbd import official_archives as official
from tfds_builders.sunrgbd_rgbd.sunrgbd_rgbd_dataset_builder import CLASS_NAMES, Builder

FRAMES = official.make_frames()
POSITIONS = {"train": official.TRAIN, "test": official.TEST}


def write(folder, unpacked=False, images=None, toolbox=None):
    """Both archives. `images` and `toolbox` have other members; None removes one."""
    for name, members, replaced in (
        ("SUNRGBD", official.image_members(FRAMES), images),
        ("SUNRGBDtoolbox", official.toolbox_members(FRAMES), toolbox),
    ):
        members = {**members, **(replaced or {})}
        members = {member: data for member, data in members.items() if data is not None}
        if unpacked:
            official.write_folder(folder, members)
        else:
            official.write_zip(folder / f"{name}.zip", members)


def build(folder, data_dir, config="inpainted", file_format="parquet"):
    builder = tfds.builder(f"sunrgbd_rgbd/{config}", data_dir=data_dir, file_format=file_format)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=folder))
    return builder


def check(examples, split, config):
    examples = {str(np.asarray(e["id"]).astype(str)): e for e in examples}
    assert sorted(examples) == sorted(FRAMES[i].folder for i in POSITIONS[split])
    for position in POSITIONS[split]:
        frame = FRAMES[position]
        example = examples[frame.folder]
        label = frame.label.astype(int) - 1
        expected = {
            "rgb": np.array(PIL.Image.open(io.BytesIO(frame.rgb_file))),
            "depth": np.minimum(frame.raw if config == "raw" else frame.depth, 8000)[..., None],
            "label": np.where(label < 0, 255, label).astype(np.uint8)[..., None],
        }
        assert set(example) == {"id", "camera", *expected}
        for key, array in expected.items():
            assert example[key].dtype == array.dtype
            np.testing.assert_array_equal(example[key], array, err_msg=key)
        camera = ("kv1", "kv2", "realsense", "xtion")[example["camera"]]
        assert f"SUNRGBD/{camera}/" in frame.folder


@pytest.mark.parametrize(("config", "unpacked"), [("inpainted", False), ("raw", True)])
def test_both_readers_give_the_archives_arrays(tmp_path, config, unpacked):
    (tmp_path / "manual").mkdir()
    write(tmp_path / "manual", unpacked)
    builder = build(tmp_path / "manual", tmp_path / "data", config)
    for split in POSITIONS:
        check(tfds.as_numpy(builder.as_dataset(split=split)), split, config)
        check(builder.as_data_source(split=split), split, config)
    again = tfds.builder_from_directory(builder.data_dir)
    assert again.info.metadata["units_per_metre"] == 1000
    assert tuple(again.info.features["label"].names) == CLASS_NAMES
    assert {s: i.num_examples for s, i in again.info.splits.items()} == {"train": 3, "test": 2}


def test_registered(tmp_path):
    builder = tfds.builder("sunrgbd_rgbd", data_dir=tmp_path)
    assert builder.builder_config.name == "inpainted"
    assert len(CLASS_NAMES) == 37 and CLASS_NAMES[-1] == "bag"
    assert "all 1449 frames of NYUDv2 are in SUN RGB-D" in builder.info.description


FOLDER = FRAMES[0].folder
DEPTH = f"{FOLDER}/depth_bfx/NYU0001.png"
RGB = f"{FOLDER}/image/NYU0001.jpg"
PNG = official.image_bytes(official.rotated(FRAMES[0].depth))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({DEPTH: None}, rf"SUNRGBD\.zip, member {DEPTH}: there is no such member"),
        # Found before anything is decoded.
        (
            {DEPTH: PNG[:100], f"{FRAMES[3].folder}/image/0000001.jpg": None},
            rf"SUNRGBD\.zip, member {FRAMES[3].folder}/image/0000001\.jpg: there is no such member",
        ),
        ({DEPTH: PNG[:100]}, rf"SUNRGBD\.zip, member {DEPTH}: cannot be read"),
        (
            {DEPTH: official.image_bytes(np.zeros((12, 16), np.uint8))},
            rf"SUNRGBD\.zip, member {DEPTH}: must be uint16 with 1 channels\. Received: uint8",
        ),
        (
            {DEPTH: official.image_bytes(np.zeros((12, 15), np.uint16))},
            rf"SUNRGBD\.zip, member {FOLDER}: image, depth and label must have one size",
        ),
        (
            {RGB: official.image_bytes(np.zeros((12, 16), np.uint8), "jpeg")},
            rf"SUNRGBD\.zip, member {RGB}: must be uint8 with 3 channels\. Received: uint8 with 1",
        ),
        ({"SUNRGBD/../../a.txt": b""}, r"SUNRGBD\.zip, member SUNRGBD/\.\./\.\./a\.txt: paths"),
    ],
)
def test_damage_is_named_and_leaves_no_data_set(tmp_path, images, message):
    (tmp_path / "manual").mkdir()
    write(tmp_path / "manual", images=images)
    for _ in range(2):  # the second run must not take the rest of the first for complete
        with pytest.raises(ValueError, match=message):
            build(tmp_path / "manual", tmp_path / "data")
        versions = tmp_path / "data" / "sunrgbd_rgbd" / "inpainted"
        assert not versions.exists() or not list(versions.iterdir())


def test_labels_above_the_maximum(tmp_path):
    (tmp_path / "manual").mkdir()
    labels = [frame.label for frame in FRAMES]
    labels[2] = np.full_like(labels[2], 38)
    write(tmp_path / "manual", toolbox={official.LABELS: official.label_bytes(labels)})
    with pytest.raises(ValueError, match=r"toolbox\.zip, member .*seglabel 3 .*labels must be in"):
        build(tmp_path / "manual", tmp_path / "data")


def test_missing_archives(tmp_path):
    with pytest.raises(AssertionError, match=r"SUNRGBD\.zip and SUNRGBDtoolbox\.zip of"):
        build(tmp_path / "manual", tmp_path / "data")
    (tmp_path / "manual").mkdir()
    official.write_zip(tmp_path / "manual/SUNRGBD.zip", official.image_members(FRAMES))
    with pytest.raises(ValueError, match=r"manual: must hold SUNRGBDtoolbox\.zip, or the folder"):
        build(tmp_path / "manual", tmp_path / "data")


class SUNRGBDTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS' own test of a builder."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 3, "test": 2}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = folder.name
        write(pathlib.Path(folder.name))
        super().setUpClass()
