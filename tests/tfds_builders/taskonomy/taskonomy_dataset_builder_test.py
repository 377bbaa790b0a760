import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions

import tfds_builders  # noqa: F401 (registers the builders)
from tests.tfds_builders.command_line import tfds_build
from tests.tfds_builders.taskonomy import archive
from tfds_builders.taskonomy import DOMAINS, TaskonomyConfig
from tfds_builders.taskonomy.taskonomy_dataset_builder import Builder

# What the DirectRunner runs batches with; that one first tries to download another.
RUNNER = "FnApiRunner"
SETTINGS = {"domains": archive.DOMAINS, "image_size": archive.SIZE}
NUM_EXAMPLES = {"train": 6, "validation": 3, "test": 3}


class TaskonomyTest(tfds.testing.DatasetBuilderTestCase):
    """What TFDS asks of every builder."""

    DATASET_CLASS = Builder
    SPLITS = NUM_EXAMPLES
    BUILDER_CONFIG_NAMES_TO_TEST = [TaskonomyConfig(splits="tiny", **SETTINGS)]

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = cls.enterClassContext(tempfile.TemporaryDirectory())
        archive.write(Path(cls.EXAMPLE_DIR))
        archive.write_splits(Path(cls.EXAMPLE_DIR))
        super().setUpClass()


@pytest.fixture
def manual_dir(tmp_path):
    archive.write(tmp_path / "manual", "omnidata")
    archive.write_splits(tmp_path / "manual" / "splits_taskonomy")
    return tmp_path / "manual"


def build(manual_dir, on_beam=False, file_format="tfrecord", **arguments):
    arguments = {**SETTINGS, "splits": "tiny", **arguments}
    builder = Builder(
        config=TaskonomyConfig(**arguments),
        data_dir=manual_dir.parent / "data",
        file_format=file_format,
    )
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=manual_dir,
            beam_runner=RUNNER if on_beam else None,
            beam_options=PipelineOptions([]) if on_beam else None,
        )
    )
    return builder


def by_id(examples):
    return {e["id"].decode() if isinstance(e["id"], bytes) else str(e["id"]): e for e in examples}


def check(examples, buildings):
    examples = by_id(examples)
    assert sorted(examples) == [f"{b}/{view}" for b in buildings for view in archive.VIEWS]
    for name, example in examples.items():
        assert set(example) == {"id", *archive.DOMAINS}
        for domain in archive.DOMAINS:
            expected = archive.array(domain, *name.split("/"))
            assert example[domain].dtype == expected.dtype
            np.testing.assert_array_equal(example[domain].reshape(expected.shape), expected)


@pytest.mark.parametrize("on_beam", [False, True])
def test_both_readers_give_the_arrays_of_the_files(manual_dir, on_beam):
    builder = build(manual_dir, on_beam, "parquet")  # the one format that both can read
    for split, buildings in archive.BUILDINGS.items():
        check(tfds.as_numpy(builder.as_dataset(split=split)), buildings)
        check(builder.as_data_source(split=split), buildings)
    metadata = tfds.builder_from_directory(builder.data_dir).info.metadata
    assert metadata["units_per_metre"] == 512
    assert metadata["invalid"] == {"normal": [128, 128, 128], "depth_euclidean": [65535]}


def test_lists_of_the_papers(tmp_path):
    manual_dir = tmp_path / "manual"
    archive.write(manual_dir, "flat")
    lines = [f"{{domain}}/{view}_domain_{{domain}}.png" for view in archive.VIEWS]
    (tmp_path / "train.txt").write_text("\n".join(lines[:2]))
    (tmp_path / "test.txt").write_text(lines[2])
    lists = {split: tmp_path / f"{split}.txt" for split in ("train", "test")}
    builder = build(manual_dir, splits=None, lists=lists)
    train = by_id(tfds.as_numpy(builder.as_dataset(split="train")))
    assert sorted(train) == list(archive.VIEWS[:2])
    expected = archive.array("depth_euclidean", "allensville", archive.VIEWS[1])
    np.testing.assert_array_equal(train[archive.VIEWS[1]]["depth_euclidean"][..., 0], expected)
    assert builder.info.splits["test"].num_examples == 1


def two_folders(tmp_path):
    """The same names of files and list in two folders, of which the second holds other pictures."""
    lists = {"train": tmp_path / "train.txt"}
    lists["train"].write_text(f"{{domain}}/{archive.VIEWS[0]}_domain_{{domain}}.png")
    for name in ("one", "two"):
        archive.write(tmp_path / name, "flat")
    path = tmp_path / "two" / archive.path("rgb", "allensville", archive.VIEWS[0], "flat")
    archive.save(path, np.zeros((*archive.SIZE, 3), np.uint8))
    return tmp_path / "one", tmp_path / "two", {**SETTINGS, "lists": lists}


def test_another_folder_with_the_same_lists_is_another_data_set(tmp_path):
    one, two, settings = two_folders(tmp_path)
    pictures = {}
    for root in (one, two):
        config = TaskonomyConfig(**settings, root=root)
        builder = Builder(config=config, data_dir=tmp_path / "data")
        builder.download_and_prepare()
        (example,) = tfds.as_numpy(builder.as_dataset(split="train"))
        pictures[root] = example["rgb"]
    assert pictures[one].any() and not pictures[two].any()
    with pytest.raises(ValueError, match="`root` must be left out, or be the manual_dir"):
        Builder(config=config, data_dir=tmp_path / "data").download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=one)
        )


def test_another_manual_dir_does_not_open_the_old_data(tmp_path):
    one, two, settings = two_folders(tmp_path)
    for root in (one, one):
        build(root, splits=None, lists=settings["lists"])
    with pytest.raises(ValueError, match=rf"was built from the folder {one}\. .*manual_dir={two}"):
        build(two, splits=None, lists=settings["lists"])


def test_links_out_of_the_folder(manual_dir):
    path = manual_dir / archive.path("rgb", "darden", archive.VIEWS[0], "omnidata")
    path.rename(manual_dir.parent / "secret.png")
    path.symlink_to(manual_dir.parent / "secret.png")
    with pytest.raises(ValueError, match=rf"{path}: the symbolic link .* out of the folder"):
        build(manual_dir)


def test_everything_there_is(manual_dir):
    builder = build(manual_dir, splits=None)
    assert {s: info.num_examples for s, info in builder.info.splits.items()} == {"train": 12}


@pytest.mark.parametrize("on_beam", [False, True])
def test_incomplete_examples_are_left_out_and_counted(manual_dir, capsys, on_beam):
    for building, view in (("allensville", 0), ("beechwood", 1), ("corozal", 2)):
        path = archive.path("normal", building, archive.VIEWS[view], "omnidata")
        (manual_dir / path).unlink()
    with (manual_dir / "splits_taskonomy/train_val_test_tiny.csv").open("a") as file:
        file.write("eudora,0,0,1\r")
    builder = build(manual_dir, on_beam, missing="skip")
    numbers = {"train": 4, "validation": 2, "test": 3}
    assert {s: info.num_examples for s, info in builder.info.splits.items()} == numbers
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Left out")]
    assert sorted(lines) == [
        "Left out, files are missing: split test, buildings: 1",
        "Left out, files are missing: split train, examples: 2",
        "Left out, files are missing: split validation, examples: 1",
    ]


def test_registered_configurations(tmp_path):
    for name in ("tiny", "medium", "full", "fullplus"):
        builder = tfds.builder(f"taskonomy/{name}", data_dir=tmp_path)
        assert set(builder.info.features) == {"id", *DOMAINS}
        assert builder.info.features["rgb"].shape == (512, 512, 3)
    copy = Builder(config=TaskonomyConfig(splits="full"), data_dir=tmp_path)
    assert copy.builder_config.name == "full"


def break_missing(path, manual_dir):
    path.unlink()
    return f"{path}: there is no such file"


def break_truncated(path, manual_dir):
    path.write_bytes(path.read_bytes()[:-30])
    return f"{path}: cannot be read"


def break_type(path, manual_dir):
    archive.save(path, np.zeros(archive.SIZE, np.uint8))
    return f"{path}: must be uint16 with 1 channels"


def break_split_file(path, manual_dir):
    file = manual_dir / "splits_taskonomy/train_val_test_tiny.csv"
    file.write_bytes(file.read_bytes() + b"eudora,1\r")
    return f"{file}, line 6: must be a building"


def break_path(path, manual_dir):
    file = manual_dir / "splits_taskonomy/train_val_test_tiny.csv"
    file.write_bytes(file.read_bytes() + b"../eudora,1,0,0\r")
    return f"{file}, line 6: must begin with the name of a building"


def break_splits(path, manual_dir):
    (manual_dir / "splits_taskonomy/train_val_test_tiny.csv").unlink()
    return f"{manual_dir}/train_val_test_tiny.csv: there is no such file"


BREAKS = [
    break_missing,
    break_truncated,
    break_type,
    break_split_file,
    break_path,
    break_splits,
]


@pytest.mark.parametrize("damage", BREAKS)
def test_damage_is_named_and_leaves_no_data_set(manual_dir, damage):
    view = archive.VIEWS[2]
    path = manual_dir / archive.path("depth_euclidean", "beechwood", view, "omnidata")
    message = damage(path, manual_dir)
    for on_beam in (False, True):  # the second must not take the rest of the first for complete
        with pytest.raises(ValueError, match=re.escape(message)):
            build(manual_dir, on_beam)
        data = manual_dir.parent / "data"
        assert not list(data.rglob("*.tfrecord*")) and not list(data.rglob("dataset_info.json"))
    if damage is break_truncated:
        archive.save(path, archive.array("depth_euclidean", "beechwood", view))
        assert build(manual_dir).info.splits["train"].num_examples == 6


def test_command_line(manual_dir, tmp_path):
    archive.write(tmp_path / "broken")
    archive.write_splits(tmp_path / "broken")
    path = tmp_path / "broken" / archive.path("rgb", "darden", archive.VIEWS[0])
    break_truncated(path, None)
    common = ["taskonomy", "--imports", "tfds_builders", "--data_dir", tmp_path / "data"]
    common += ["--config", json.dumps({**SETTINGS, "splits": "tiny", "name": "small"})]
    beam = ["--beam_pipeline_options", f"runner={RUNNER}"]
    broken, good = tfds_build(
        [*common, "--manual_dir", tmp_path / "broken", *beam],
        [*common, "--manual_dir", manual_dir],
    )
    assert broken[0] == 1 and f"ValueError: {path}: cannot be read" in broken[1]
    assert good[0] == 0, good[1]
    dataset = tfds.load("taskonomy/small", split="test", data_dir=tmp_path / "data")
    check(tfds.as_numpy(dataset), ["darden"])
