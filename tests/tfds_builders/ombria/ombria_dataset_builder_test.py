import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tests.tfds_builders.command_line import tfds_build
from tests.tfds_builders.ombria import repository
from tfds_builders.ombria import CLASS_NAMES
from tfds_builders.ombria.ombria_dataset_builder import Builder


class OmbriaTest(tfds.testing.DatasetBuilderTestCase):
    """What TFDS asks of every builder."""

    DATASET_CLASS = Builder
    SPLITS = {split: len(ids) for split, ids in repository.IDS.items()}

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
        repository.write_zip(Path(cls.EXAMPLE_DIR), repository.files())
        super().setUpClass()


def build(manual_dir, **kwargs):
    builder = Builder(data_dir=manual_dir.parent / "data", **kwargs)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
    )
    return builder


def check(examples, split):
    examples = {
        e["id"].decode() if isinstance(e["id"], bytes) else str(e["id"]): e for e in examples
    }
    assert sorted(examples) == repository.IDS[split]
    for name, example in examples.items():
        expected = repository.arrays(name)
        for column in ("rgb", "sar", "rgb_before", "sar_before"):
            np.testing.assert_array_equal(np.squeeze(example[column]), expected[column])
        label = example["label"][..., 0]
        assert label.dtype == np.uint8 and set(np.unique(label)) == {0, 1, 255}
        np.testing.assert_array_equal(label == 1, (expected["mask"] == 255) & (label != 255))


def test_both_readers_give_the_arrays_of_the_files(tmp_path):
    repository.write_folder(tmp_path / "manual/OMBRIA", repository.files())
    builder = build(tmp_path / "manual", file_format="parquet")
    for split in repository.IDS:
        check(tfds.as_numpy(builder.as_dataset(split=split)), split)
        check(builder.as_data_source(split=split), split)
    again = tfds.builder_from_directory(builder.data_dir)
    assert tuple(again.info.features["label"].names) == CLASS_NAMES
    assert tfds.builder("ombria", data_dir=tmp_path / "data").info.splits["test"].num_examples == 3


def test_damage_is_named_and_leaves_no_data_set(tmp_path):
    contents = repository.files()
    path = "2021/ALBANIA/Sentinel1/AFTER/imafter_2.png"
    whole = contents[path]
    contents[path] = whole[:-40]
    repository.write_folder(tmp_path / "manual", contents)
    data = tmp_path / "data"
    for _ in range(2):  # the second run must not take the rest of the first for complete
        with pytest.raises(ValueError, match=f"member {re.escape(path)}: cannot be read"):
            build(tmp_path / "manual")
        assert not list(data.rglob("*.tfrecord*")) and not list(data.rglob("dataset_info.json"))
    (tmp_path / "manual" / path).write_bytes(whole)
    assert build(tmp_path / "manual").info.splits["test"].num_examples == 3


@pytest.mark.slow
def test_command_line(tmp_path):
    repository.write_folder(tmp_path / "manual/OMBRIA", repository.files())
    common = ["ombria", "--imports", "tfds_builders", "--data_dir", tmp_path / "data"]
    broken, good = tfds_build(
        [*common, "--manual_dir", tmp_path], [*common, "--manual_dir", tmp_path / "manual"]
    )
    assert broken[0] == 1 and "git clone https://github.com/geodrak/OMBRIA" in broken[1]
    assert good[0] == 0, good[1]
    dataset = tfds.load("ombria", split="validation", data_dir=tmp_path / "data")
    assert len(dataset) == 1
