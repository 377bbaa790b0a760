import itertools
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.data import sources
from recipes.data.sources import (
    MemorySource,
    RecordSource,
    SubsetSource,
    TFRecords,
    keep_in_memory,
)
from tests.recipes.data.numbered import CountingSource, numbered
from tfds_builders.rendered_rooms.rendered_rooms_dataset_builder import Builder, RenderedRoomsConfig

COUNT = 5


def build(folder, file_format="tfrecord", count=COUNT, shards=1):
    """Rendered rooms of 24 x 16 pixels."""
    config = RenderedRoomsConfig(24, 16, {"train": count})
    builder = Builder(config=config, data_dir=folder, file_format=file_format)
    options = tfds.download.DownloadConfig(num_shards=shards)
    builder.download_and_prepare(download_config=options)
    assert len(builder.info.splits["train"].filepaths) == shards
    return builder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Function that builds once for each set of arguments."""
    made = {}

    def get(*args):
        if args not in made:
            made[args] = build(tmp_path_factory.mktemp("data"), *args)
        return made[args]

    return get


def source_of(builder):
    return RecordSource(builder, "train", builder.info.features)


def assert_same_examples(source, expected):
    expected = list(expected)
    assert len(source) == len(expected) > 0
    for index, example in enumerate(expected):
        assert set(source[index]) == set(example)
        for name, value in example.items():
            np.testing.assert_array_equal(source[index][name], value)


@pytest.mark.parametrize(
    ("file_format", "shards"),
    [("tfrecord", 1), ("tfrecord", 3), ("array_record", 2), ("parquet", 1)],
)
def test_examples_by_number_are_those_of_the_data_set_in_its_order(built, file_format, shards):
    # TFDS reads ArrayRecord files by number alone; the order is the same in all formats.
    expected = built("tfrecord", COUNT, shards).as_dataset(
        split="train", read_config=tfds.ReadConfig(interleave_cycle_length=1)
    )
    expected = list(expected.as_numpy_iterator())
    source = source_of(built(file_format, COUNT, shards))
    assert_same_examples(source, expected)
    assert_same_examples(source, source.dataset().as_numpy_iterator())
    order = [source[number]["id"].item() for number in (3, 0, 4)]  # any of them, in any order
    assert order == [expected[number]["id"] for number in (3, 0, 4)]


def test_the_signature_is_that_of_the_examples(built):
    source = source_of(built())
    assert source.signature["depth"] == tf.TensorSpec((16, 24, 1), tf.uint16)
    assert source.dataset().element_spec == source.signature


def copy(builder, folder):
    """A copy of a data set, and the path of its first file."""
    path = shutil.copytree(builder.data_path, folder / "copy")
    builder = tfds.builder_from_directory(path)
    return builder, builder.info.splits["train"].filepaths[0]


@pytest.mark.parametrize("missing", [1, 3, 4, 100])
def test_a_file_that_is_cut_short_is_an_error_that_names_it(built, tmp_path, missing):
    builder, path = copy(built(), tmp_path)
    with open(path, "r+b") as file:
        file.truncate(file.seek(0, 2) - missing)
    message = rf"{path} is cut short: record 4 goes beyond its end. .*build the data set again"
    with pytest.raises(ValueError, match=message):
        source_of(builder)


def test_a_file_that_lost_whole_examples_is_an_error(built, tmp_path):
    builder, path = copy(built(), tmp_path)
    last = int(TFRecords([path]).places[-1, 0])
    with open(path, "r+b") as file:
        file.truncate(last)
    with pytest.raises(ValueError, match=r"'train' in .*/copy must have 5 examples. Received: 4"):
        source_of(builder)


def test_a_byte_that_changed_on_disk_is_an_error_that_names_file_and_example(built, tmp_path):
    builder, path = copy(built(), tmp_path)
    place = int(TFRecords([path]).places[2, 0])
    with open(path, "r+b") as file:
        file.seek(place + 500)
        byte = file.read(1)[0]
        file.seek(place + 500)
        file.write(bytes([byte ^ 1]))
    source = source_of(builder)
    assert source[1]["rgb"].shape == source[3]["rgb"].shape == (16, 24, 3)
    message = f"Example `2`: its record in {path} is damaged"
    with pytest.raises(ValueError, match=message):
        source.records[2]
    with pytest.raises(tf.errors.OpError, match=message):
        list(source.dataset())


def test_a_byte_that_changed_in_a_length_is_an_error(built, tmp_path):
    builder, path = copy(built(), tmp_path)
    with open(path, "r+b") as file:
        file.seek(7)
        file.write(b"\x7f")
    with pytest.raises(ValueError, match=f"{path} is cut short: record 0"):
        source_of(builder)


@pytest.mark.parametrize("file_format", ["tfrecord", "parquet"])
def test_the_fingerprint_is_that_of_the_stored_examples(built, file_format, tmp_path, monkeypatch):
    first = source_of(built(file_format)).fingerprint()
    assert source_of(build(tmp_path / "again", file_format)).fingerprint() == first
    assert source_of(built(file_format, COUNT - 1)).fingerprint() != first
    module = "tfds_builders.rendered_rooms.rendered_rooms_dataset_builder.render"
    render = Builder._generate_examples.__globals__["render"]

    def changed(seed, width, height):
        frame = render(seed, width, height)
        if seed == 3:
            frame["depth"][0, 0] += 1
        return frame

    monkeypatch.setattr(module, changed)
    assert source_of(build(tmp_path / "changed", file_format)).fingerprint() != first


def records(path, contents):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)
    return path


def test_fingerprints_of_records(tmp_path):
    base = [b"first", b"second", b"", b"third"]
    variants = {
        "base": [base],
        "changed": [[b"first", b"secone", b"", b"third"]],
        "order": [[b"second", b"first", b"", b"third"]],
        "fewer": [base[:3]],
        "more": [[*base, b""]],
        "moved": [[b"first", b"second", b"", b"thir", b"d"]],
        "two files": [base[:2], base[2:]],
    }
    found, contents = {}, {}
    for name, files in variants.items():
        paths = [records(tmp_path / f"{name}{i}", x) for i, x in enumerate(files)]
        index = TFRecords(paths)
        found[name] = index.fingerprint()
        contents[name] = [index[number] for number in range(len(index))]
    assert contents == {name: [*itertools.chain(*files)] for name, files in variants.items()}
    assert found["two files"] == found["base"]  # the examples are the same
    assert len(set(found.values())) == len(found) - 1
    assert len(TFRecords([records(tmp_path / "empty", [])])) == len(TFRecords([])) == 0


def test_a_subset():
    source = numbered(6)
    subset = SubsetSource(source, [4, 1, 2])
    assert [subset[number]["image"].item() for number in range(3)] == [4, 1, 2]
    assert len(subset) == 3 and subset.signature == source.signature
    same, order = SubsetSource(numbered(6), [4, 1, 2]), SubsetSource(source, [1, 4, 2])
    other = SubsetSource(numbered(7), [4, 1, 2])
    assert subset.fingerprint() == same.fingerprint()
    prints = {x.fingerprint() for x in (source, subset, order, other)}
    assert len(prints) == 4


def test_fingerprints_of_examples_in_memory():
    image = np.zeros((3, 2, 2, 1), "uint8")
    changed = image.copy()
    changed[1, 1, 1] = 1
    variants = [
        {"rgb": image},
        {"rgb": changed},
        {"rgb": changed[::-1].copy()[[0, 2, 1]]},
        {"rgb": image[:2]},
        {"rgb": image.astype("uint16")},
        {"rgb": image.reshape(3, 1, 4, 1)},
        {"depth": image},
    ]
    assert MemorySource(variants[0]).fingerprint() == MemorySource({"rgb": image}).fingerprint()
    assert len({MemorySource(x).fingerprint() for x in variants}) == len(variants)


def test_examples_in_memory_of_different_sizes_and_orders_of_names():
    examples = [
        {"rgb": np.full((2, 3, 3), 1, "uint8"), "id": "a"},
        {"id": "b", "rgb": np.full((5, 4, 3), 2, "uint8")},
    ]
    source = MemorySource(examples)
    assert source.signature["rgb"] == tf.TensorSpec((None, None, 3), tf.uint8)
    found = list(source.dataset().as_numpy_iterator())
    assert [x["rgb"].shape for x in found] == [(2, 3, 3), (5, 4, 3)]
    assert [x["id"] for x in found] == [b"a", b"b"]
    assert [int(x["rgb"].max()) for x in found] == [1, 2]


@pytest.mark.parametrize(
    "second",
    [
        {"depth": np.zeros((2, 2, 1), "uint16")},  # 300 would become 44
        {"depth": np.zeros((2, 2), "uint8")},
        {"rgb": np.zeros((2, 2, 1), "uint8")},
        {},
    ],
)
def test_examples_that_are_not_alike(second):
    with pytest.raises(ValueError, match="`examples` must be alike in names, dtypes and ranks"):
        MemorySource([{"depth": np.zeros((2, 2, 1), "uint8")}, second])


def test_unequal_numbers_of_images():
    with pytest.raises(ValueError, match=r"equally many of each.*'rgb': 3, 'depth': 2"):
        MemorySource({"rgb": np.zeros((3, 1, 1, 3)), "depth": np.zeros((2, 1, 1, 1))})


@pytest.mark.parametrize(("most", "reads"), [(96, 0), (95, 6)])
def test_what_is_kept_in_memory_is_read_once(most, reads):
    images = np.arange(24, dtype="int32").reshape(6, 2, 2, 1)  # 16 bytes each
    source = CountingSource(MemorySource({"image": images}))
    kept = keep_in_memory(source, most)
    source.read_numbers.clear()
    found = [x["image"] for x in kept.dataset().as_numpy_iterator()]
    np.testing.assert_array_equal(found, images)
    assert len(source.read_numbers) == reads


def test_what_is_kept_in_memory_is_the_same(built):
    source = source_of(built())
    kept = keep_in_memory(source)
    assert isinstance(kept, MemorySource) and keep_in_memory(kept) is kept
    assert_same_examples(kept, source.dataset().as_numpy_iterator())
    assert keep_in_memory(source, most=100) is source
    assert sources.MEMORY == 2**31
