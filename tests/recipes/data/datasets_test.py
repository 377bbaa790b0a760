import ml_collections
import numpy as np
import pytest
import tensorflow as tf

from recipes.data import datasets
from recipes.data.datasets import (
    keep_in_memory,
    open_data_source,
    open_dataset,
    open_split,
    specs_of,
)
from tests.tfds_builders.nyudv2_rgbd import official_files as nyudv2
from tests.tfds_builders.taskonomy import archive

ROOMS = {
    "name": "rendered_rooms",
    "width": 32,
    "height": 24,
    "num_examples": {"train": 2, "test": 1},
}


def settings(tmp_path, **changes):
    return ml_collections.ConfigDict({"data_dir": str(tmp_path / "data"), **changes})


def test_only_what_is_named_is_decoded(tmp_path):
    builder = open_dataset(settings(tmp_path, **ROOMS))
    whole = next(iter(open_split(builder, "train")))
    part = next(iter(open_split(builder, "train", ("rgb", "label"))))
    assert set(part) == {"id", "rgb", "label"} and set(part) < set(whole)
    for name in part:
        np.testing.assert_array_equal(part[name], whole[name])
    with pytest.raises(ValueError, match=r"must have the file format 'parquet'.*'tfrecord'"):
        open_data_source(builder, "train")


@pytest.mark.parametrize(("memory", "reads", "shuffled"), [(400, 0, 4), (399, 4, 3), (10, 4, 1)])
def test_a_small_data_set_is_kept_in_memory(memory, reads, shuffled, monkeypatch):
    monkeypatch.setattr(datasets, "_MEMORY", memory)
    read = []

    def example(index):
        read.append(index)
        return np.full((5, 4, 1), index, "uint8"), np.full((5, 4, 1), index, "float32")

    source = tf.data.Dataset.range(4).map(
        lambda i: tf.numpy_function(example, [i], ("uint8", "float32"))
    )
    kept, most = keep_in_memory(source.map(lambda rgb, depth: {"rgb": rgb, "depth": depth}))
    for _ in range(2):
        read.clear()
        assert [x["rgb"].flat[0] for x in kept.as_numpy_iterator()] == [0, 1, 2, 3]
    assert (len(read), most) == (reads, shuffled)


def test_a_data_source(tmp_path):
    builder = open_dataset(settings(tmp_path, **ROOMS, file_format="parquet"))
    source = open_data_source(builder, "train")
    expected = next(iter(open_split(builder, "train")))
    np.testing.assert_array_equal(source[0]["depth"], expected["depth"])
    with pytest.raises(ValueError, match=r"`split` must be one of \['test', 'train'\]"):
        open_data_source(builder, "validation")


def test_taskonomy_by_list_files_of_its_folder(tmp_path):
    root = tmp_path / "taskonomy"
    archive.write(root, "flat")
    view = archive.VIEWS[1]
    (root / "train.txt").write_text(f"{{domain}}/{view}_domain_{{domain}}.png")
    data = settings(
        tmp_path,
        name="taskonomy",
        root=str(root),
        lists={"train": "train.txt", "test": ""},
        columns=("rgb", "depth_euclidean"),
        image_size=archive.SIZE,
    )
    (example,) = open_split(open_dataset(data), "train")
    for domain in data.columns:
        expected = archive.array(domain, "allensville", view).reshape(example[domain].shape)
        np.testing.assert_array_equal(example[domain], expected)


def test_archives_of_a_registered_data_set(tmp_path):
    (tmp_path / "archives").mkdir()
    nyudv2.write_official(tmp_path / "archives", nyudv2.make_frames())
    data = settings(tmp_path, name="nyudv2_rgbd/13_classes", root=str(tmp_path / "archives"))
    builder = open_dataset(data)
    assert builder.info.features["label"].num_classes == 13
    assert {"rgb", "depth", "label", "id"} <= set(next(iter(open_split(builder, "test"))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "nyudv3_rgbd"}, r"`config.data.name` must be one of .*'nyudv2_rgbd'.*'nyudv3"),
        ({"name": "multimodal_folder", "root": ""}, "`config.data.root` must be the folder"),
    ],
)
def test_unusable_settings(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        open_dataset(settings(tmp_path, **changes))


def test_specs_of():
    specs = ml_collections.ConfigDict({"rgb": {"channels": 3}, "depth": {"channels": 1}})
    assert specs_of(("depth",), specs, "inputs") == {"depth": {"channels": 1}}
    for names in ((), ("rgb", "hha")):
        with pytest.raises(
            ValueError, match=r"`config.inputs` must name some of \['depth', 'rgb'\]"
        ):
            specs_of(names, specs, "inputs")
