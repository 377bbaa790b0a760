import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tests.tfds_builders.cityscapes_rgbd import archives
from tests.tfds_builders.command_line import tfds_build
from tfds_builders.cityscapes_rgbd import CLASS_NAMES, CityscapesRGBDConfig
from tfds_builders.cityscapes_rgbd.cityscapes_rgbd_dataset_builder import Builder
from tfds_builders.cityscapes_rgbd.depth import Camera, depth_from_disparity

CONFIG = CityscapesRGBDConfig(1, archives.SIZE, archives.NUM_EXAMPLES)
CAMERA = Camera(0.2, 2000.0)
AACHEN = "train/aachen/aachen_000001_000019"


class CityscapesRGBDTest(tfds.testing.DatasetBuilderTestCase):
    """What TFDS asks of every builder."""

    DATASET_CLASS = Builder
    SPLITS = archives.NUM_EXAMPLES
    BUILDER_CONFIG_NAMES_TO_TEST = [CONFIG]

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
        archives.write_zips(Path(cls.EXAMPLE_DIR), archives.contents())
        super().setUpClass()


def build(manual_dir, config=CONFIG, **kwargs):
    builder = Builder(config=config, data_dir=manual_dir.parent / "data", **kwargs)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
    )
    return builder


def by_id(examples):
    return {e["id"].decode() if isinstance(e["id"], bytes) else str(e["id"]): e for e in examples}


def check(examples, folder):
    examples = by_id(examples)
    assert sorted(examples) == archives.FRAMES[folder]
    for frame, example in examples.items():
        rgb, ids, disparity = archives.arrays(folder, frame)
        assert set(example) == {"id", "rgb", "label", "depth", "disparity"}
        assert [example[name].dtype for name in ("label", "depth")] == [np.uint8, np.uint16]
        np.testing.assert_array_equal(example["rgb"], rgb)
        np.testing.assert_array_equal(example["disparity"][..., 0], disparity)
        depth = depth_from_disparity(disparity, CAMERA)
        assert depth.any()
        np.testing.assert_array_equal(example["depth"][..., 0], depth)
        assert (example["label"] == 255).all() == (folder == "test")
        np.testing.assert_array_equal(example["label"][..., 0] == 13, ids == 26)


@pytest.mark.parametrize(
    ("file_format", "write"),
    [("tfrecord", archives.write_zips), ("parquet", archives.write_folders)],
)
def test_both_readers_give_the_arrays_of_the_files(tmp_path, file_format, write):
    write(tmp_path / "manual", archives.contents())
    builder = build(tmp_path / "manual", file_format=file_format)
    for split, folder in (("train", "train"), ("validation", "val"), ("test", "test")):
        check(tfds.as_numpy(builder.as_dataset(split=split)), folder)
        if file_format == "parquet":  # a data source cannot read tfrecord
            check(builder.as_data_source(split=split), folder)
    again = tfds.builder_from_directory(builder.data_dir)
    assert tuple(again.info.features["label"].names) == CLASS_NAMES
    assert again.info.metadata["units_per_metre"] == 200


def test_registered_configurations(tmp_path):
    for name, shape in (("full", (1024, 2048, 1)), ("half", (512, 1024, 1))):
        builder = tfds.builder(f"cityscapes_rgbd/{name}", data_dir=tmp_path)
        assert builder.info.features["depth"].shape == shape
        numbers = {"train": 2975, "validation": 500, "test": 1525}
        assert builder.builder_config.num_examples == numbers
    copy = Builder(config=CityscapesRGBDConfig(2), data_dir=tmp_path)
    assert copy.builder_config.name == "half"


def break_missing(contents):
    del contents["disparity"][f"disparity/{AACHEN}_disparity.png"]
    return f"disparity_trainvaltest.zip, member disparity/{AACHEN}_disparity.png: there is no such"


def break_truncated(contents):
    name = f"disparity/{AACHEN}_disparity.png"
    contents["disparity"][name] = contents["disparity"][name][:-40]
    return f"disparity_trainvaltest.zip, member {name}: cannot be read"


def break_labels(contents):
    name = f"gtFine/{AACHEN}_gtFine_labelIds.png"
    contents["gtFine"][name] = archives.png(np.full(archives.SIZE, 34, np.uint8))
    return f"gtFine_trainvaltest.zip, member {name}: label ids must be in 0..33"


def break_type(contents):
    name = f"disparity/{AACHEN}_disparity.png"
    contents["disparity"][name] = archives.png(np.zeros(archives.SIZE, np.uint8))
    return f"disparity_trainvaltest.zip, member {name}: must be uint16 with 1 channels"


def break_size(contents):
    name = f"leftImg8bit/{AACHEN}_leftImg8bit.png"
    contents["leftImg8bit"][name] = archives.png(np.zeros((8, 15, 3), np.uint8))
    return f"leftImg8bit_trainvaltest.zip, member {name}: must be 8x16"


def break_camera(contents):
    name = f"camera/{AACHEN}_camera.json"
    contents["camera"][name] = json.dumps({"extrinsic": {}}).encode()
    return f"camera_trainvaltest.zip, member {name}: must be JSON"


def break_path(contents):
    contents["camera"]["camera/../../etc/camera.json"] = b""
    return "camera_trainvaltest.zip, member camera/../../etc/camera.json: paths must be relative"


def break_number(contents):
    for kind, members in contents.items():
        contents[kind] = {name: data for name, data in members.items() if "berlin" not in name}
    return "split 'test' must have 2 frames. Received: 1"


def break_archive(contents):
    del contents["camera"]
    return "must hold camera_trainvaltest.zip, or the folder camera unpacked of it"


BREAKS = [
    break_missing,
    break_truncated,
    break_labels,
    break_type,
    break_size,
    break_camera,
    break_path,
    break_number,
    break_archive,
]


@pytest.mark.parametrize("damage", BREAKS)
def test_damage_is_named_and_leaves_no_data_set(tmp_path, damage):
    contents = archives.contents()
    message = damage(contents)
    archives.write_zips(tmp_path / "manual", contents)
    for _ in range(2):  # the second run must not take the rest of the first for complete
        with pytest.raises(ValueError, match=re.escape(message)):
            build(tmp_path / "manual")
        data = tmp_path / "data"
        assert not list(data.rglob("*.tfrecord*")) and not list(data.rglob("dataset_info.json"))


def test_truncated_zip(tmp_path):
    archives.write_zips(tmp_path / "manual", archives.contents())
    path = tmp_path / "manual/gtFine_trainvaltest.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"gtFine_trainvaltest\.zip: is no complete zip"):
        build(tmp_path / "manual")


def test_repaired_archive_is_built(tmp_path):
    contents = archives.contents()
    break_truncated(contents)
    archives.write_zips(tmp_path / "manual", contents)
    with pytest.raises(ValueError, match="cannot be read"):
        build(tmp_path / "manual")
    archives.write_zips(tmp_path / "manual", archives.contents())
    assert build(tmp_path / "manual").info.splits["train"].num_examples == 3


@pytest.mark.slow
def test_command_line(tmp_path):
    contents = archives.contents()
    archives.write_zips(tmp_path / "good", contents)
    message = break_truncated(contents)
    archives.write_zips(tmp_path / "broken", contents)
    config = {"divisor": 2, "frame_size": archives.SIZE, "num_examples": archives.NUM_EXAMPLES}
    common = ["cityscapes_rgbd", "--imports", "tfds_builders", "--data_dir", tmp_path / "data"]
    common += ["--config", json.dumps({**config, "name": "small"})]
    broken, good = tfds_build(
        [*common, "--manual_dir", tmp_path / "broken"],
        [*common, "--manual_dir", tmp_path / "good"],
    )
    assert broken[0] == 1 and message in broken[1]
    assert good[0] == 0, good[1]
    dataset, info = tfds.load(
        "cityscapes_rgbd/small", split="test", data_dir=tmp_path / "data", with_info=True
    )
    assert len(dataset) == 2 and info.features["rgb"].shape == (4, 8, 3)
