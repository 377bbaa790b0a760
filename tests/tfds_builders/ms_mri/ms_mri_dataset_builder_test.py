import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401 (registers the builders)
from tests.tfds_builders.command_line import tfds_build
from tests.tfds_builders.ms_mri import repository
from tfds_builders.ms_mri import CLASS_NAMES
from tfds_builders.ms_mri.ms_mri_dataset_builder import Builder
from tfds_builders.ms_mri.patients import find_patients, open_repository, read_patient


class MSMRITest(tfds.testing.DatasetBuilderTestCase):
    """What TFDS asks of every builder."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 6, "validation": 3, "test": 3}

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
        repository.write(Path(cls.EXAMPLE_DIR) / "open_ms_data")
        super().setUpClass()


def build(manual_dir, **kwargs):
    builder = Builder(data_dir=manual_dir.parent / "data", **kwargs)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
    )
    return builder


def test_both_readers_give_the_slices(tmp_path):
    archive = open_repository(repository.write(tmp_path / "manual", ["patient19", "patient07"]))
    builder = build(tmp_path / "manual", file_format="parquet")
    patients = find_patients(archive)
    assert set(builder.info.splits) == {"train", "validation"}
    for split in builder.info.splits:
        expected = dict(read_patient(archive, patients[split][0]))
        for examples in (
            tfds.as_numpy(builder.as_dataset(split=split)),
            builder.as_data_source(split=split),
        ):
            names = set()
            for example in examples:
                name = example["id"]
                name = name.decode() if isinstance(name, bytes) else str(name)
                names.add(name)
                for column, image in expected[int(name[-3:])].items():
                    np.testing.assert_array_equal(example[column], image)
            assert names == {f"{patients[split][0].name}/{n:03d}" for n in repository.SLICES}
    assert tuple(builder.info.features["label"].names) == CLASS_NAMES


def test_damage_is_named_and_leaves_no_data_set(tmp_path):
    repository.write(tmp_path / "manual", ["patient07"])
    name = repository.lesion_file("patient07")
    path = tmp_path / "manual" / name
    path.write_bytes(path.read_bytes()[:60])
    data = tmp_path / "data"
    for _ in range(2):  # the second run must not take the rest of the first for complete
        with pytest.raises(ValueError, match=f"member {re.escape(name)}: cannot be read"):
            build(tmp_path / "manual")
        assert not list(data.rglob("*.tfrecord*")) and not list(data.rglob("dataset_info.json"))


@pytest.mark.slow
def test_command_line(tmp_path):
    repository.write(tmp_path / "manual/open_ms_data", ["patient07"])
    common = ["ms_mri", "--imports", "tfds_builders", "--data_dir", tmp_path / "data"]
    broken, good = tfds_build(
        [*common, "--manual_dir", tmp_path], [*common, "--manual_dir", tmp_path / "manual"]
    )
    assert broken[0] == 1 and "git clone https://github.com/muschellij2/open_ms_data" in broken[1]
    assert good[0] == 0, good[1]
    assert len(tfds.load("ms_mri", split="train", data_dir=tmp_path / "data")) == 3
