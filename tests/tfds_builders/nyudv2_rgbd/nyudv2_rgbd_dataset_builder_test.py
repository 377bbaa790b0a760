import pathlib
import shutil
import tempfile

import numpy as np
import PIL.Image
import pytest
import scipy.io
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tests.tfds_builders.nyudv2_rgbd import official_files
from tfds_builders.nyudv2_rgbd import CLASS_NAMES_13, CLASS_NAMES_40
from tfds_builders.nyudv2_rgbd.label_tables import thirteen_of_forty
from tfds_builders.nyudv2_rgbd.nyudv2_rgbd_dataset_builder import Builder

FRAMES = official_files.make_frames()
NUMBERS = {"train": official_files.TRAIN, "test": official_files.TEST}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The official files and the papers' folder in one folder; not to be changed."""
    folder = tmp_path_factory.mktemp("nyudv2")
    official_files.write_official(folder, FRAMES)
    official_files.write_papers_folder(folder, FRAMES)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A copy, to be damaged."""
    return shutil.copytree(written, tmp_path / "nyudv2")


def build(folder, data_dir, config, file_format="parquet"):
    builder = tfds.builder(f"nyudv2_rgbd/{config}", data_dir=data_dir, file_format=file_format)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=folder))
    return builder


def expected(number, config):
    """Arrays of a frame, worked out from what was written."""
    frame = FRAMES[number - 1]
    rows, columns = slice(6, 474), slice(7, 632)
    label = official_files.papers_mask(frame)
    if "full_frame" in config:
        rows = columns = slice(None)
        table = np.concatenate([[255], official_files.MAP_CLASS - 1]).astype(np.uint8)
        label = table[frame["label"]]
    if config.startswith("13"):
        label = np.where(label == 255, 255, thirteen_of_forty()[label % 40]).astype(np.uint8)
    metres = frame["raw" if "raw" in config or "folder" in config else "depth"]
    depth = np.rint(metres.astype(np.float64) * 5000).astype(np.uint16)
    return {
        "rgb": frame["rgb"][rows, columns],
        "depth": depth[rows, columns, None],
        "label": label[..., None],
    }


def check(examples, split, config):
    examples = {str(np.asarray(e["id"]).astype(str)): e for e in examples}
    names = {n: f"rgb/{n:06d}.png" if "folder" in config else f"{n:06d}" for n in NUMBERS[split]}
    assert sorted(examples) == sorted(names.values())
    for number, name in names.items():
        example = examples[name]
        arrays = expected(number, config)
        assert set(example) == {"id", *arrays}
        for key, array in arrays.items():
            assert example[key].dtype == array.dtype
            np.testing.assert_array_equal(example[key], array, err_msg=key)


@pytest.mark.parametrize(
    "config", ["40_classes", "13_classes_raw_full_frame", "40_classes_folder", "13_classes_folder"]
)
def test_both_readers_give_the_archives_arrays(written, tmp_path, config):
    builder = build(written, tmp_path, config)
    for split in NUMBERS:
        check(tfds.as_numpy(builder.as_dataset(split=split)), split, config)
        check(builder.as_data_source(split=split), split, config)
    again = tfds.builder_from_directory(builder.data_dir)
    assert again.info.metadata["units_per_metre"] == 5000
    names = CLASS_NAMES_13 if config.startswith("13") else CLASS_NAMES_40
    assert tuple(again.info.features["label"].names) == names
    assert {s: i.num_examples for s, i in again.info.splits.items()} == {"train": 2, "test": 1}


def test_registered_configurations(tmp_path):
    configs = tfds.builder_cls("nyudv2_rgbd").builder_configs
    assert len(configs) == 10 and next(iter(configs)) == "40_classes"
    builder = tfds.builder("nyudv2_rgbd", data_dir=tmp_path)
    assert builder.info.features["depth"].shape == (468, 625, 1)
    assert "1449" in builder.info.description and "Silberman" in builder.info.citation
    with pytest.raises(AssertionError, match=r"nyu_depth_v2_labeled\.mat from"):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=tmp_path / "none")
        )


def mat(folder, **replaced):
    official_files.write_labeled_mat(folder / "nyu_depth_v2_labeled.mat", FRAMES, **replaced)


def break_missing_mat(folder):
    (folder / "nyu_depth_v2_labeled.mat").unlink()
    return r"nyu_depth_v2_labeled\.mat: there is no such file"


def break_missing_splits(folder):
    (folder / "splits.mat").unlink()
    return r"splits\.mat: there is no such file"


def break_missing_variable(folder):
    mat(folder, depths=None)
    return r"labeled\.mat: must hold the variable depths\. Received: \['images', 'labels', 'names'"


def break_truncated_mat(folder):
    path = folder / "nyu_depth_v2_labeled.mat"
    path.write_bytes(path.read_bytes()[:-1000])
    return r"labeled\.mat: is no complete MATLAB file of version 7\.3"


def break_damaged_chunk(folder):
    path = folder / "nyu_depth_v2_labeled.mat"
    data = bytearray(path.read_bytes())
    # Chunks of images begin with the header of zlib's level 1.
    position = data.index(b"\x78\x01", 2000)
    data[position + 100 : position + 200] = bytes(100)
    path.write_bytes(data)
    return r"labeled\.mat, variable images, frame 1: cannot be read"


def break_labels(folder):
    labels = np.stack([frame["label"].T for frame in FRAMES])
    labels[2, 5, 7] = 895
    mat(folder, labels=labels)
    return r"labeled\.mat, variable labels, frame 3: labels must be in 0\.\.894\. Received: 895"


def break_depth_type(folder):
    mat(folder, depths=np.stack([frame["depth"].T for frame in FRAMES]).astype(np.float64))
    return r"variable depths: must be float32 of shape \(frames, 640, 480\)\. Received: float64"


def break_depth_unit(folder):
    mat(folder, depths=np.stack([frame["depth"].T for frame in FRAMES]) * np.float32(1000))
    return r"variable depths, frame [13]: depth must be in 0\.\.13\.107 metres"


def break_axes(folder):
    mat(folder, labels=np.stack([frame["label"] for frame in FRAMES]))
    return r"variable labels: must be uint16 .*Received: uint16 of shape \(3, 480, 640\)"


def break_numbers_of_frames(folder):
    mat(folder, labels=np.stack([frame["label"].T for frame in FRAMES[:2]]))
    return r"images, depths and labels must hold equally many frames\. Received: \[2, 3\]"


def break_split_range(folder):
    scipy.io.savemat(folder / "splits.mat", {"trainNdxs": [[0], [1]], "testNdxs": [[2]]})
    return r"splits\.mat: numbers must be in 1\.\.3.*Received: 0\.\.2"


def break_split_overlap(folder):
    scipy.io.savemat(folder / "splits.mat", {"trainNdxs": [[1], [3]], "testNdxs": [[3]]})
    return r"splits\.mat: a frame stands twice"


def break_split_empty(folder):
    scipy.io.savemat(folder / "splits.mat", {"trainNdxs": [[1], [3]], "testNdxs": []})
    return r"splits\.mat: testNdxs must not be empty"


MAT_BREAKS = [
    break_missing_mat,
    break_missing_splits,
    break_missing_variable,
    break_truncated_mat,
    break_damaged_chunk,
    break_labels,
    break_depth_type,
    break_depth_unit,
    break_axes,
    break_numbers_of_frames,
    break_split_range,
    break_split_overlap,
    break_split_empty,
]


def break_two_columns(folder):
    (folder / "val.txt").write_text("rgb/000002.png\tmasks/000002.png")
    return r"val\.txt, line 1: there must be 3 tab-separated columns"


def break_path(folder):
    text = (folder / "train.txt").read_text()
    (folder / "train.txt").write_text(text.replace("depth/000001", "../depth/000001"))
    return r"train\.txt, line 2: paths must be relative .*Received: '\.\./depth/000001\.png'"


def break_missing_image(folder):
    (folder / "masks/000002.png").unlink()
    return r"val\.txt, line 1: .*masks/000002\.png: there is no such file"


def break_truncated_image(folder):
    path = folder / "depth/000001.png"
    path.write_bytes(path.read_bytes()[:500])
    return r"train\.txt, line 2: .*depth/000001\.png: cannot be read"


def break_mask(folder):
    mask = official_files.papers_mask(FRAMES[0])
    mask[:2, :3] = 40
    official_files.palette_image(mask).save(folder / "masks/000001.png")
    return r"train\.txt, line 2: .*masks/000001\.png: labels must be in 0\.\.39.*40 \(6 pixels\)"


def break_8_bit_depth(folder):
    PIL.Image.fromarray(np.zeros((480, 640), np.uint8)).save(folder / "depth/000001.png")
    return r"line 2: .*depth/000001\.png: must be uint16 with 1 channels\. Received: uint8"


def break_grey_rgb(folder):
    PIL.Image.fromarray(np.zeros((468, 625), np.uint8)).save(folder / "rgb/000001.png")
    return r"line 2: .*rgb/000001\.png: must be uint8 with 3 channels\. Received: uint8 with 1"


FOLDER_BREAKS = [
    break_two_columns,
    break_path,
    break_missing_image,
    break_truncated_image,
    break_mask,
    break_8_bit_depth,
    break_grey_rgb,
]


@pytest.mark.parametrize(
    ("config", "damage"),
    [("40_classes_full_frame", damage) for damage in MAT_BREAKS]
    + [("40_classes_folder", damage) for damage in FOLDER_BREAKS],
)
def test_damage_is_named_and_leaves_no_data_set(folder, tmp_path, config, damage):
    message = damage(folder)
    for _ in range(2):  # the second run must not take the rest of the first for complete
        with pytest.raises(ValueError, match=message):
            build(folder, tmp_path / "data", config)
        versions = tmp_path / "data" / "nyudv2_rgbd" / config
        assert not versions.exists() or not list(versions.iterdir())


class NYUDv2Test(tfds.testing.DatasetBuilderTestCase):
    """TFDS' own test of a builder."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 2, "test": 1}
    BUILDER_CONFIG_NAMES_TO_TEST = ["13_classes", "40_classes_folder"]

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = folder.name
        files = pathlib.Path(folder.name)
        official_files.write_official(files, FRAMES)
        official_files.write_papers_folder(files, FRAMES)
        super().setUpClass()
